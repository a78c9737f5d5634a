{{- define "lakehouse.xml" -}}
<configuration>
  {{- range $name, $value := .of }}
  <property><name>{{ $name }}</name><value>{{ $value | toString | replace "&" "&amp;" | replace "<" "&lt;" }}</value></property>
  {{- end }}
</configuration>
{{- end -}}

{{- define "lakehouse.coreSite" -}}
fs.defaultFS: {{ include "lakehouse.defaultFs" . }}
# No directory service tells who is in which group: this does, in the NameNode.
hadoop.user.group.static.mapping.overrides: "hdfs=hdfs,supergroup;lakehouse=lakehouse,analysts;engineer=lakehouse,analysts;analyst=analysts"
hadoop.prometheus.endpoint.enabled: "true"
ipc.client.connect.timeout: "5000"
ipc.client.connect.max.retries.on.timeouts: "12"
{{- with .Values.storage.s3.endpoint }}
fs.s3a.endpoint: {{ . | quote }}
fs.s3a.path.style.access: "true"
fs.s3a.connection.ssl.enabled: {{ hasPrefix "https" . | toString | quote }}
{{- end }}
{{- with .Values.storage.s3.region }}
fs.s3a.endpoint.region: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "lakehouse.hdfsSite" -}}
{{- $hdfs := .Values.storage.hdfs -}}
dfs.replication: {{ $hdfs.replication | quote }}
# A pod comes back with another address but with its name.
dfs.datanode.hostname: "${env.POD_NAME-localhost}.{{ include "lakehouse.host" (dict "root" . "part" "datanode") }}"
dfs.client.use.datanode.hostname: "true"
dfs.datanode.use.datanode.hostname: "true"
dfs.client.retry.policy.enabled: "true"
{{- if include "lakehouse.hasHdfs" . }}
dfs.namenode.rpc-address: "{{ include "lakehouse.host" (dict "root" . "part" "namenode") }}:8020"
dfs.namenode.http-address: "{{ include "lakehouse.host" (dict "root" . "part" "namenode") }}:9870"
{{- end }}
dfs.namenode.rpc-bind-host: 0.0.0.0
dfs.namenode.http-bind-host: 0.0.0.0
dfs.namenode.name.dir: /data/name
dfs.datanode.data.dir: /data/blocks
dfs.namenode.datanode.registration.ip-hostname-check: "false"
dfs.permissions.enabled: "true"
dfs.permissions.superusergroup: supergroup
# Whoever reaches WebHDFS names himself; nobody here needs it.
dfs.webhdfs.enabled: "false"
dfs.namenode.acls.enabled: "true"
dfs.namenode.safemode.extension: "3000"
dfs.namenode.safemode.min.datanodes: "1"
# A dead node is seen after 2 × this + 10 heartbeats of 3 s: 50 s instead of ten minutes.
dfs.namenode.heartbeat.recheck-interval: "10000"
# No block goes to a DataNode that was not heard of for 12 s; delta-rs' client, unlike Java's, asks for no other one.
dfs.namenode.stale.datanode.interval: "12000"
dfs.namenode.avoid.read.stale.datanode: "true"
dfs.namenode.avoid.write.stale.datanode: "true"
dfs.namenode.handler.count: "16"
# With two nodes a write whose pipeline lost one goes on with the other.
dfs.client.block.write.replace-datanode-on-failure.policy: NEVER
dfs.datanode.du.reserved: {{ $hdfs.datanode.reservedBytes | int64 | quote }}
# Without these both die of a class that is not there (NoClassDefFoundError: Log4JLogger).
dfs.namenode.metrics.logger.period.seconds: "0"
dfs.datanode.metrics.logger.period.seconds: "0"
{{- range $name, $value := $hdfs.config }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}
