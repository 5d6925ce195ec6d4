{{- /*
Deployment, budget and autoscaler of routers or notifiers. Arguments: root, component, worker (its values), env,
healthPort, keda (true when a ScaledObject scales it).
*/}}
{{- define "dialhook.worker" -}}
{{- $named := dict "root" .root "name" (printf "%s-%s" (include "dialhook.fullname" .root) .component) "component" .component }}
{{- $scaled := or .worker.autoscaling.enabled .keda }}
{{- $least := int (ternary (ternary (default (dict) .worker.keda).minReplicas .worker.autoscaling.minReplicas .keda) .worker.replicas $scaled) }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "dialhook.metadata" $named | nindent 2 }}
spec:
  {{- if not $scaled }}
  replicas: {{ include "dialhook.text" .worker.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "dialhook.selector" $named | nindent 6 }}
  strategy:
    {{- include "dialhook.strategy" (dict "strategy" .worker.strategy) | nindent 4 }}
  template:
    {{- include "dialhook.pod" (dict
      "root" .root
      "component" .component
      "program" (printf "services/%s/main.ts" .component)
      "pod" .worker
      "env" .env
      "ports" ""
      "healthPort" .healthPort
      "grace" .worker.terminationGracePeriodSeconds
      "spread" true
    ) | nindent 4 }}
{{- if and .worker.podDisruptionBudget.enabled (gt $least 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "dialhook.metadata" $named | nindent 2 }}
spec:
  maxUnavailable: {{ include "dialhook.text" .worker.podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "dialhook.selector" $named | nindent 6 }}
{{- end }}
{{- with .worker.autoscaling }}
{{- if .enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "dialhook.metadata" $named | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $named.name }}
  minReplicas: {{ include "dialhook.text" .minReplicas }}
  maxReplicas: {{ include "dialhook.text" .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ include "dialhook.text" .targetCPUUtilizationPercentage }}
  {{- with .behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
