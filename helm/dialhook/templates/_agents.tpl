{{- /* The entries of agents.nodes with all defaults, as {nodes: [...]}. */}}
{{- define "dialhook.nodes" -}}
{{- $agents := .Values.agents }}
{{- $nodes := list }}
{{- range $agents.nodes }}
{{- $service := merge (dict) (default (dict) .service) $agents.service }}
{{- $replicas := ternary .replicas $agents.replicas (hasKey . "replicas") }}
{{- $pod := dict
  "resources" (default $agents.resources .resources)
  "nodeSelector" (default $agents.nodeSelector .nodeSelector)
  "tolerations" (default $agents.tolerations .tolerations)
  "affinity" (default $agents.affinity .affinity)
  "priorityClassName" $agents.priorityClassName
  "podLabels" (merge (dict) (default (dict) .podLabels) $agents.podLabels)
  "podAnnotations" (merge (dict) (default (dict) .podAnnotations) $agents.podAnnotations)
  "extraEnv" (concat $agents.extraEnv (default list .extraEnv))
  "extraEnvFrom" $agents.extraEnvFrom
  "extraVolumes" $agents.extraVolumes
  "extraVolumeMounts" $agents.extraVolumeMounts
}}
{{- $nodes = append $nodes (dict
  "name" .name
  "fullname" (printf "%s-agent-%s" (include "dialhook.fullname" $) .name)
  "host" .host
  "port" (default 8021 .port)
  "user" (default "" .user)
  "secret" (dict "name" .existingSecret.name "key" (default "password" .existingSecret.key))
  "replicas" ($replicas | int)
  "socketPort" (default 8084 .socketPort)
  "healthPort" (default 9101 .healthPort)
  "hostNetwork" (default false .hostNetwork)
  "listenHost" (default $agents.listenHost .listenHost)
  "settings" (merge (dict) (default (dict) .settings) $agents.settings)
  "service" $service
  "pod" $pod
) }}
{{- end }}
{{- toYaml (dict "nodes" $nodes) }}
{{- end }}

{{- /*
Settings of an agent. With an embedded router also those of the routers that are about endpoints. Arguments: root, node.
*/}}
{{- define "dialhook.agentSettings" -}}
{{- $router := dict }}
{{- if .root.Values.agents.embeddedRouter }}
{{- range $name, $value := .root.Values.router.settings }}
{{- if not (regexMatch "^(LOG_|TIMELINE$|METRICS_|NATS_)" $name) }}
{{- $_ := set $router $name $value }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml (merge (dict) .node.settings $router) }}
{{- end }}

{{- /* Environment of an agent. Arguments: root, node (with defaults, as above). */}}
{{- define "dialhook.agentEnv" -}}
{{- $node := .node }}
{{- include "dialhook.commonEnv" (dict "root" .root "healthPort" $node.healthPort "listenHost" .healthHost "stopDeadlineMs" .root.Values.agents.stopDeadlineMs "settings" (include "dialhook.agentSettings" . | fromYaml)) }}
{{- if .root.Values.agents.embeddedRouter }}
- name: EMBEDDED_ROUTER
  value: "on"
{{- include "dialhook.signing" .root }}
{{- end }}
- name: NODE_NAME
  {{- if $node.name }}
  value: {{ $node.name | quote }}
  {{- else }}
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
  {{- end }}
- name: FREESWITCH_HOST
  value: {{ $node.host | quote }}
- name: FREESWITCH_PORT
  value: {{ include "dialhook.text" $node.port | quote }}
{{- with $node.user }}
- name: FREESWITCH_USER
  value: {{ . | quote }}
{{- end }}
{{ include "dialhook.secretOr" (dict "name" "FREESWITCH_PASSWORD" "secret" $node.secret) }}
- name: SOCKET_HOST
  value: {{ $node.listenHost | quote }}
- name: SOCKET_PORT
  value: {{ include "dialhook.text" $node.socketPort | quote }}
{{- end }}

{{- define "dialhook.agentPorts" -}}
- name: socket
  containerPort: {{ include "dialhook.text" . }}
  protocol: TCP
{{- end }}
