{{- /*
Secrets are made once. Each is, in this order: what the values say; what this rendering has already made; what the
cluster has; made anew. Zero-to-JupyterHub makes some of them itself, and puts checksums of them on its pods: made anew
wherever they are asked for, they would differ from place to place, and the first upgrade would restart hub and proxy.
Its four templates at the end of this file are therefore given by this chart, whose definitions stand above its
dependencies'.
*/}}

{{- /* One secret. root: the chart's root; key: in the Secret; given: by the values; new: how it is made. */}}
{{- define "somahub.secret" -}}
{{- if .given }}
{{- .given }}
{{- else }}
{{- /* The release is one object for all charts of a rendering, and the only one. */}}
{{- $made := get .root.Release "somahubSecrets" | default dict }}
{{- if not (hasKey $made .key) }}
{{- $kept := include "somahub.secret.kept" . }}
{{- $_ := set $made .key ($kept | default (include .new .)) }}
{{- $_ := set .root.Release "somahubSecrets" $made }}
{{- end }}
{{- get $made .key }}
{{- end }}
{{- end }}

{{- /* What the cluster has: of this chart, or of a Zero-to-JupyterHub that this chart takes the place of. */}}
{{- define "somahub.secret.kept" -}}
{{- $found := "" }}
{{- range $name := list "somahub-secrets" "hub" }}
{{- if not $found }}
{{- $data := (lookup "v1" "Secret" $.root.Release.Namespace $name).data | default dict }}
{{- $found = get $data $.key | b64dec }}
{{- end }}
{{- end }}
{{- $found }}
{{- end }}

{{- /* 256 bits. */}}
{{- define "somahub.secret.hex" -}}
{{- randBytes 32 | b64dec | printf "%x" }}
{{- end }}

{{- /* 119 bits, for a person to type. */}}
{{- define "somahub.secret.word" -}}
{{- randAlphaNum 20 }}
{{- end }}

{{- /* hub: the values of Zero-to-JupyterHub's hub. */}}
{{- define "somahub.secret.proxy" -}}
{{- $given := dig "config" "ConfigurableHTTPProxy" "auth_token" "" .hub | default (dig "secretToken" "" .proxy) }}
{{- include "somahub.secret" (dict "root" .root "key" "hub.config.ConfigurableHTTPProxy.auth_token" "given" $given "new" "somahub.secret.hex") }}
{{- end }}

{{- define "somahub.secret.cookie" -}}
{{- $given := dig "config" "JupyterHub" "cookie_secret" "" .hub | default (dig "cookieSecret" "" .hub) }}
{{- include "somahub.secret" (dict "root" .root "key" "hub.config.JupyterHub.cookie_secret" "given" $given "new" "somahub.secret.hex") }}
{{- end }}

{{- define "somahub.secret.crypt" -}}
{{- $given := dig "config" "CryptKeeper" "keys" list .hub | join ";" }}
{{- include "somahub.secret" (dict "root" .root "key" "hub.config.CryptKeeper.keys" "given" $given "new" "somahub.secret.hex") }}
{{- end }}

{{- define "somahub.secret.service" -}}
{{- $service := get (.hub.services | default dict) .service | default dict }}
{{- $given := get $service "api_token" | default (get $service "apiToken") }}
{{- include "somahub.secret" (dict "root" .root "key" (printf "hub.services.%s.apiToken" .service) "given" $given "new" "somahub.secret.hex") }}
{{- end }}

{{- define "jupyterhub.hub.config.ConfigurableHTTPProxy.auth_token" -}}
{{- include "somahub.secret.proxy" (dict "root" . "hub" .Values.hub "proxy" .Values.proxy) }}
{{- end }}

{{- define "jupyterhub.hub.config.JupyterHub.cookie_secret" -}}
{{- include "somahub.secret.cookie" (dict "root" . "hub" .Values.hub) }}
{{- end }}

{{- define "jupyterhub.hub.config.CryptKeeper.keys" -}}
{{- include "somahub.secret.crypt" (dict "root" . "hub" .Values.hub) }}
{{- end }}

{{- define "jupyterhub.hub.services.get_api_token" -}}
{{- include "somahub.secret.service" (dict "root" (index . 0) "hub" (index . 0).Values.hub "service" (index . 1)) }}
{{- end }}
