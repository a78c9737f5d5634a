{{- define "lakehouse.supersetEnvironment" -}}
- {name: LAKEHOUSE_SUPERSET_SECRET_KEY_FILE, value: /run/secrets/lakehouse/superset-secret-key}
- {name: LAKEHOUSE_SUPERSET_ADMIN_PASSWORD_FILE, value: /run/secrets/lakehouse/superset-admin-password}
- {name: LAKEHOUSE_SUPERSET_DATABASE_HOST, value: "{{ include "lakehouse.postgresqlHost" . }}:{{ include "lakehouse.postgresqlPort" . }}"}
- {name: LAKEHOUSE_SUPERSET_DATABASE_NAME, value: superset}
- {name: LAKEHOUSE_SUPERSET_DATABASE_USER, value: superset}
- {name: LAKEHOUSE_SUPERSET_DATABASE_PASSWORD_FILE, value: /run/secrets/lakehouse/superset-password}
- {name: LAKEHOUSE_SUPERSET_BEHIND_TLS, value: {{ .Values.superset.behindTls | quote }}}
- {name: HOME, value: /tmp}
{{- end -}}

{{- define "lakehouse.supersetMounts" -}}
- {name: secrets, mountPath: /run/secrets/lakehouse, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "lakehouse.dashboardsPod" -}}
{{- include "lakehouse.pod" . }}
{{ include "lakehouse.priority" . }}
automountServiceAccountToken: false
restartPolicy: OnFailure
containers:
  - name: dashboards
    {{- include "lakehouse.containerImage" . | nindent 4 }}
    {{- include "lakehouse.containerSecurity" . | nindent 4 }}
    args:
      - lakehouse
      - superset
      - import
      - http://{{ include "lakehouse.name" (dict "root" .root "part" "superset") }}:8088
      - --user=admin
      - --password-file=/run/secrets/lakehouse/superset-admin-password
      - --database-uri=spark://analyst@{{ include "lakehouse.name" (dict "root" .root "part" "sql-analyst") }}:10000/gold?tls=verify&ca=/run/secrets/lakehouse/sql-ca.crt
      - --database-password-file=/run/secrets/lakehouse/sql-analyst-password
      - --wait=600
    workingDir: /tmp
    env:
      - {name: LAKEHOUSE_HOME, value: /tmp/home}
      - {name: HOME, value: /tmp}
    resources: {{- include "lakehouse.smallResources" . | nindent 6 }}
    volumeMounts:
      - {name: secrets, mountPath: /run/secrets/lakehouse, readOnly: true}
      - {name: tmp, mountPath: /tmp}
volumes:
  {{- include "lakehouse.secretVolume" (dict "root" .root "keys" (list "superset-admin-password" "sql-analyst-password")) | nindent 2 }}
  {{- include "lakehouse.tmpVolume" . | nindent 2 }}
{{- end -}}
