{{- /* Rules of NetworkPolicies. Each helper returns one rule as YAML. */}}

{{- /* Arguments: ports (a list; empty: any), peers (a list; empty: any), direction (to or from). */}}
{{- define "dialhook.rule" -}}
{{- $rule := dict }}
{{- if .ports }}
{{- $ports := list }}
{{- range .ports }}
{{- $ports = append $ports (dict "port" . "protocol" "TCP") }}
{{- end }}
{{- $_ := set $rule "ports" $ports }}
{{- end }}
{{- if .peers }}
{{- $_ := set $rule (default "to" .direction) .peers }}
{{- end }}
{{- toYaml $rule }}
{{- end }}

{{- define "dialhook.dnsRule" -}}
{{- $rule := dict "ports" (list (dict "port" 53 "protocol" "UDP") (dict "port" 53 "protocol" "TCP")) }}
{{- with .Values.networkPolicy.dns }}
{{- $_ := set $rule "to" . }}
{{- end }}
{{- toYaml $rule }}
{{- end }}

{{- /* A server given by URLs or by a Secret. Arguments: urls, secret, ports, peers, otherwise (the default port). */}}
{{- define "dialhook.serverRule" -}}
{{- $ports := .ports }}
{{- if and (not $ports) .secret.name }}
{{- $ports = list .otherwise }}
{{- else if not $ports }}
{{- range splitList "," .urls }}
{{- $ports = append $ports (regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default (toString $.otherwise) | int) }}
{{- end }}
{{- end }}
{{- include "dialhook.rule" (dict "ports" (uniq $ports) "peers" .peers) }}
{{- end }}

{{- define "dialhook.natsRule" -}}
{{- $policy := .Values.networkPolicy }}
{{- include "dialhook.serverRule" (dict "urls" .Values.nats.url "secret" .Values.nats.existingSecret "ports" $policy.natsPorts "peers" $policy.nats "otherwise" 4222) }}
{{- end }}

{{- define "dialhook.redisRule" -}}
{{- $policy := .Values.networkPolicy }}
{{- include "dialhook.serverRule" (dict "urls" .Values.redis.url "secret" .Values.redis.existingSecret "ports" $policy.redisPorts "peers" $policy.redis "otherwise" 6379) }}
{{- end }}

{{- define "dialhook.otlpRule" -}}
{{- $endpoint := .Values.telemetry.otlp.endpoint }}
{{- $port := ternary 443 80 (hasPrefix "https:" $endpoint) }}
{{- include "dialhook.serverRule" (dict "urls" $endpoint "secret" dict "ports" list "peers" .Values.networkPolicy.otlp "otherwise" $port) }}
{{- end }}

{{- /* Pods are listed too, because some network plugins do not match them with an ipBlock. */}}
{{- define "dialhook.endpointRule" -}}
{{- $policy := .Values.networkPolicy }}
{{- $everywhere := list
  (dict "ipBlock" (dict "cidr" "0.0.0.0/0" "except" (list "169.254.0.0/16")))
  (dict "ipBlock" (dict "cidr" "::/0" "except" (list "fe80::/10")))
  (dict "namespaceSelector" dict)
}}
{{- include "dialhook.rule" (dict "ports" $policy.endpointPorts "peers" (default $everywhere $policy.endpoints)) }}
{{- end }}

{{- define "dialhook.freeswitchRule" -}}
{{- $peers := list }}
{{- if regexMatch "^[0-9.]+$" .host }}
{{- $peers = list (dict "ipBlock" (dict "cidr" (printf "%s/32" .host))) }}
{{- else if contains ":" .host }}
{{- $peers = list (dict "ipBlock" (dict "cidr" (printf "%s/128" .host))) }}
{{- end }}
{{- include "dialhook.rule" (dict "ports" (list .port) "peers" $peers) }}
{{- end }}

{{- /* Pods of this release. Arguments: root, component (optional), ports, direction. */}}
{{- define "dialhook.ownRule" -}}
{{- $labels := include "dialhook.selector" . | fromYaml }}
{{- include "dialhook.rule" (dict "ports" .ports "direction" .direction "peers" (list (dict "podSelector" (dict "matchLabels" $labels)))) }}
{{- end }}

{{- /* A policy. Arguments: root, name, component, node (optional), ingress and egress (lists of rules). */}}
{{- define "dialhook.networkPolicy" }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "dialhook.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "dialhook.selector" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
  ingress:
    {{- toYaml .ingress | nindent 4 }}
  egress:
    {{- toYaml .egress | nindent 4 }}
{{- end }}
