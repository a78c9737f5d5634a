{{/* What every pod of ours says: nobody special, nothing writable but its own volumes, as Pod Security `restricted` asks. */}}
{{- define "lakehouse.pod" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
# A release's name would make variables such as LAKEHOUSE_NAMENODE_PORT, which look like settings.
enableServiceLinks: false
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lakehouse.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "lakehouse.containerImage" -}}
image: {{ include "lakehouse.image" . | quote }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
{{- end -}}

{{/* kind: core (data and what guards it), run, extra (pages that may wait when a worker is lost). */}}
{{- define "lakehouse.priority" -}}
{{- if .root.Values.priorityClasses.create -}}
priorityClassName: {{ printf "%s-%s-%s" .root.Release.Namespace .root.Release.Name .kind }}
{{- else -}}
{{- with index .root.Values.priorityClasses .kind -}}
priorityClassName: {{ . }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A container that waits until a port answers, and says what it waits for. */}}
{{- define "lakehouse.waitForPort" -}}
- name: wait-for-{{ .name }}
  {{- include "lakehouse.containerImage" (dict "root" .root "image" .image) | nindent 2 }}
  {{- include "lakehouse.containerSecurity" . | nindent 2 }}
  command: [bash, /opt/scripts/wait-for-port, {{ .host | quote }}, {{ .port | quote }}]
  resources: {{- include "lakehouse.smallResources" . | nindent 4 }}
  volumeMounts:
    - {name: scripts, mountPath: /opt/scripts, readOnly: true}
{{- end -}}

{{- define "lakehouse.smallResources" -}}
requests: {cpu: 10m, memory: 128Mi}
limits: {memory: 512Mi}
{{- end -}}

{{- define "lakehouse.scriptsVolume" -}}
- name: scripts
  configMap:
    name: {{ include "lakehouse.name" (dict "root" .root "part" "scripts") }}
    defaultMode: 0555
{{- end -}}

{{- define "lakehouse.hadoopVolume" -}}
- name: hadoop
  configMap:
    name: {{ include "lakehouse.name" (dict "root" .root "part" "hadoop") }}
{{- end -}}

{{- define "lakehouse.tmpVolume" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .size | default "1Gi" }}
{{- end -}}

{{/* Keys of the secret as files that only this pod's user reads. */}}
{{- define "lakehouse.secretVolume" -}}
- name: secrets
  secret:
    secretName: {{ include "lakehouse.secretName" .root }}
    defaultMode: 0440
    items:
      {{- range .keys }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end -}}

{{/* Pods start anew when what they read at their start has changed. */}}
{{- define "lakehouse.checksums" -}}
{{- range .of }}
checksum/{{ . | replace "/" "-" | trimSuffix ".yaml" }}: {{ include (print $.root.Template.BasePath "/" .) $.root | sha256sum | trunc 16 }}
{{- end }}
{{- end -}}

{{/* Prometheus finds a pod by these. */}}
{{- define "lakehouse.scrape" -}}
{{- if .root.Values.metrics.annotations -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ .port | quote }}
prometheus.io/path: {{ .path | quote }}
{{- end -}}
{{- end -}}

{{- define "lakehouse.claim" -}}
accessModes: [{{ .accessMode | default "ReadWriteOnce" }}]
{{- with .volume.storageClass | default .root.Values.storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .volume.size }}
{{- end -}}

{{- define "lakehouse.foldersPod" -}}
{{- include "lakehouse.pod" . }}
{{ include "lakehouse.priority" . }}
automountServiceAccountToken: false
restartPolicy: OnFailure
initContainers:
  {{- include "lakehouse.waitForPort" (dict "root" .root "image" "lakehouse" "name" "namenode" "host" (include "lakehouse.host" (dict "root" .root "part" "namenode")) "port" "8020") | nindent 2 }}
containers:
  {{- include "lakehouse.makeFolders" (dict "root" .root "name" "folders") | nindent 2 }}
volumes:
  {{- include "lakehouse.hadoopVolume" . | nindent 2 }}
  {{- include "lakehouse.scriptsVolume" . | nindent 2 }}
  {{- include "lakehouse.tmpVolume" . | nindent 2 }}
{{- end -}}

{{/* Makes the folders of HDFS, or finds them made: in the Job, and before what needs them. */}}
{{- define "lakehouse.makeFolders" -}}
- name: {{ .name }}
  {{- include "lakehouse.containerImage" (dict "root" .root "image" "lakehouse") | nindent 2 }}
  {{- include "lakehouse.containerSecurity" . | nindent 2 }}
  args: [hdfs-layout]
  env:
    - {name: HADOOP_CONF_DIR, value: /etc/hadoop}
    - {name: HADOOP_USER_NAME, value: hdfs}
    - {name: NAMENODE_ADDRESS, value: "{{ include "lakehouse.host" (dict "root" .root "part" "namenode") }}:8020"}
    - {name: LAYOUT_ROOT, value: /lakehouse}
  resources: {{- include "lakehouse.smallResources" . | nindent 4 }}
  volumeMounts:
    - {name: hadoop, mountPath: /etc/hadoop, readOnly: true}
    - {name: tmp, mountPath: /tmp}
{{- end -}}

{{/* Where an object store is, and its keys, from a secret that is there already. */}}
{{- define "lakehouse.s3Environment" -}}
{{- include "lakehouse.s3EnvironmentOf" (dict "root" . "secret" "") }}
{{- end -}}

{{/* The same with the keys of another secret, where one is named. */}}
{{- define "lakehouse.s3EnvironmentOf" -}}
{{- with .root.Values.storage.s3.endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
{{- if hasPrefix "http://" . }}
- {name: AWS_ALLOW_HTTP, value: "true"}
{{- end }}
{{- end }}
{{- with .root.Values.storage.s3.region }}
- {name: AWS_REGION, value: {{ . | quote }}}
{{- end }}
{{- with .secret | default .root.Values.storage.s3.secret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ . }}, key: access-key-id}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: secret-access-key}}
- name: AWS_SESSION_TOKEN
  valueFrom: {secretKeyRef: {name: {{ . }}, key: session-token, optional: true}}
{{- end }}
{{- end -}}

{{- define "lakehouse.beforeAll" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
