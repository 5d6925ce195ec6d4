{{- /*
The pod of a service. Arguments: root, component, node (optional), program, pod (its scheduling, resources and extras),
env, ports, healthPort, grace, drainSeconds, hostNetwork, spread.
*/}}
{{- define "dialhook.pod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- include "dialhook.labels" . | nindent 4 }}
    {{- with .pod.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with merge (dict) .pod.podAnnotations $values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "dialhook.podCommons" .root | nindent 2 }}
  terminationGracePeriodSeconds: {{ include "dialhook.text" .grace }}
  {{- if .hostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  {{- with .pod.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .pod.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .pod.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .pod.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and .spread $values.topologySpread }}
  topologySpreadConstraints:
    {{- range $values.topologySpread }}
    - {{ toYaml . | nindent 6 | trim }}
      labelSelector:
        matchLabels:
          {{- include "dialhook.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .component }}
      {{- include "dialhook.container" .root | nindent 6 }}
      command: ["node", {{ .program | quote }}]
      env:
        {{- .env | nindent 8 }}
        {{- with .pod.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .pod.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- with .ports }}
        {{- . | nindent 8 }}
        {{- end }}
        - name: health
          containerPort: {{ include "dialhook.text" .healthPort }}
          protocol: TCP
      startupProbe:
        httpGet:
          path: /healthz
          port: health
        periodSeconds: 1
        failureThreshold: 60
      livenessProbe:
        httpGet:
          path: /healthz
          port: health
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet:
          path: /readyz
          port: health
        periodSeconds: 3
        timeoutSeconds: 2
        failureThreshold: 3
      {{- if .drainSeconds }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ include "dialhook.text" .drainSeconds }}
      {{- end }}
      resources:
        {{- toYaml .pod.resources | nindent 8 }}
      {{- $mounts := concat (include "dialhook.mounts" .root | fromYamlArray) .pod.extraVolumeMounts }}
      {{- with $mounts }}
      volumeMounts:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- $volumes := concat (include "dialhook.volumes" .root | fromYamlArray) .pod.extraVolumes }}
  {{- with $volumes }}
  volumes:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* Fields of all pods. */}}
{{- define "dialhook.podCommons" -}}
serviceAccountName: {{ include "dialhook.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end }}

{{- /* Fields of all containers. */}}
{{- define "dialhook.container" -}}
image: {{ include "dialhook.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{- /* Files mounted into all pods, each {name, path, volume}, as {files: [...]}. */}}
{{- define "dialhook.files" -}}
{{- $files := list }}
{{- with .Values.trustedCertificates }}
{{- if .configMap }}
{{- $files = append $files (dict "name" "certificates" "path" "certificates" "volume" (dict "configMap" (dict "name" .configMap))) }}
{{- else if .secret }}
{{- $files = append $files (dict "name" "certificates" "path" "certificates" "volume" (dict "secret" (dict "secretName" .secret))) }}
{{- end }}
{{- end }}
{{- with .Values.nats }}
{{- if .auth.credsKey }}
{{- $items := list (dict "key" .auth.credsKey "path" .auth.credsKey) }}
{{- $files = append $files (dict "name" "nats-credentials" "path" "nats" "volume" (dict "secret" (dict "secretName" .auth.existingSecret "items" $items))) }}
{{- end }}
{{- if .tls.existingSecret }}
{{- $files = append $files (dict "name" "nats-tls" "path" "nats-tls" "volume" (dict "secret" (dict "secretName" .tls.existingSecret))) }}
{{- end }}
{{- end }}
{{- toYaml (dict "files" $files) }}
{{- end }}

{{- define "dialhook.mounts" -}}
{{- $mounts := list }}
{{- range (include "dialhook.files" . | fromYaml).files }}
{{- $mounts = append $mounts (dict "name" .name "mountPath" (printf "/etc/dialhook/%s" .path) "readOnly" true) }}
{{- end }}
{{- toYaml $mounts }}
{{- end }}

{{- define "dialhook.volumes" -}}
{{- $volumes := list }}
{{- range (include "dialhook.files" . | fromYaml).files }}
{{- $volumes = append $volumes (merge (dict "name" .name) .volume) }}
{{- end }}
{{- toYaml $volumes }}
{{- end }}

{{- /* Update strategy. Arguments: strategy (may be empty), hostNetwork. */}}
{{- define "dialhook.strategy" -}}
{{- if .strategy }}
{{- toYaml .strategy }}
{{- else -}}
type: RollingUpdate
rollingUpdate:
  {{- /* On the host network the old pod must release its ports before the new one starts. */}}
  maxSurge: {{ ternary 0 1 (default false .hostNetwork) }}
  maxUnavailable: {{ ternary 1 0 (default false .hostNetwork) }}
{{- end }}
{{- end }}
