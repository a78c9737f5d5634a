{{/* The name of a part: <release>-<part>. */}}
{{- define "lakehouse.name" -}}
{{- printf "%s-%s" .root.Release.Name .part -}}
{{- end -}}

{{/* A part's address inside the cluster. */}}
{{- define "lakehouse.host" -}}
{{- printf "%s-%s.%s.svc" .root.Release.Name .part .root.Release.Namespace -}}
{{- end -}}

{{/* What selects a part's pods: these never change over upgrades. */}}
{{- define "lakehouse.selector" -}}
app.kubernetes.io/name: lakehouse
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "lakehouse.labels" -}}
{{ include "lakehouse.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "lakehouse.metadata" -}}
name: {{ include "lakehouse.name" . }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "lakehouse.labels" . | nindent 2 }}
{{- end -}}

{{/* image: lakehouse, superset or postgresql. */}}
{{- define "lakehouse.image" -}}
{{- $image := index .root.Values.images .image -}}
{{- $tag := $image.tag | default .root.Chart.AppVersion -}}
{{- with .root.Values.images.registry -}}{{ trimSuffix "/" . }}/{{- end -}}
{{ $image.name }}:{{ $tag }}
{{- end -}}

{{- define "lakehouse.secretName" -}}
{{- .Values.secrets.existing | default (printf "%s-secrets" .Release.Name) -}}
{{- end -}}

{{/* Which parts are in this release: those that no value points outward and none turns off. Empty is no. */}}
{{- define "lakehouse.hasHdfs" -}}
{{- if not .Values.storage.external }}yes{{ end -}}
{{- end -}}
{{- define "lakehouse.hasMetastore" -}}
{{- if not .Values.metastore.external }}yes{{ end -}}
{{- end -}}
{{- define "lakehouse.hasMlflow" -}}
{{- if and .Values.mlflow.enabled (not .Values.mlflow.external) }}yes{{ end -}}
{{- end -}}
{{- define "lakehouse.hasSuperset" -}}
{{- if .Values.superset.enabled }}yes{{ end -}}
{{- end -}}
{{- define "lakehouse.hasPostgresql" -}}
{{- if and (not .Values.postgresql.external) (or (include "lakehouse.hasMetastore" .) (include "lakehouse.hasMlflow" .) (include "lakehouse.hasSuperset" .)) }}yes{{ end -}}
{{- end -}}

{{- define "lakehouse.storage" -}}
{{- .Values.storage.external | default (printf "hdfs://%s:8020/lakehouse" (include "lakehouse.host" (dict "root" . "part" "namenode"))) | trimSuffix "/" -}}
{{- end -}}
{{/* The file system that a path without one is in. */}}
{{- define "lakehouse.defaultFs" -}}
{{- regexFind "^[a-z0-9]+://[^/]+" (include "lakehouse.storage" .) -}}
{{- end -}}
{{- define "lakehouse.postgresqlHost" -}}
{{- if .Values.postgresql.external -}}
{{- first (splitList ":" .Values.postgresql.external) -}}
{{- else -}}
{{- include "lakehouse.host" (dict "root" . "part" "postgresql") -}}
{{- end -}}
{{- end -}}
{{- define "lakehouse.postgresqlPort" -}}
{{- if contains ":" .Values.postgresql.external -}}
{{- last (splitList ":" .Values.postgresql.external) -}}
{{- else -}}
5432
{{- end -}}
{{- end -}}
{{- define "lakehouse.metastoreUri" -}}
{{- .Values.metastore.external | default (printf "thrift://%s:9083" (include "lakehouse.host" (dict "root" . "part" "metastore"))) -}}
{{- end -}}
{{- define "lakehouse.mlflowUri" -}}
{{- if .Values.mlflow.external -}}
{{- .Values.mlflow.external -}}
{{- else if .Values.mlflow.enabled -}}
http://{{ include "lakehouse.name" (dict "root" . "part" "mlflow") }}:5000
{{- end -}}
{{- end -}}
