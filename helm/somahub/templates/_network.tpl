{{- /*
Names are asked of the cluster's DNS: pods of kube-system, or a resolver on a node, which has a private address or
NodeLocal DNSCache's. Port 53 and no other; the cloud's metadata addresses on no port at all.
*/}}
{{- define "somahub.dns" -}}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: kube-system}
    - ipBlock: {cidr: 10.0.0.0/8}
    - ipBlock: {cidr: 172.16.0.0/12}
    - ipBlock: {cidr: 192.168.0.0/16}
    - ipBlock: {cidr: 100.64.0.0/10}
    - ipBlock: {cidr: 169.254.20.10/32}
    - ipBlock: {cidr: "fc00::/7", except: ["fd00:ec2::/32"]}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{- /*
The internet: every address but those of private networks, of providers' inner networks, of the link (cloud metadata:
169.254.169.254, fd00:ec2::254), of translations of all these, and those that the values close.
*/}}
{{- define "somahub.internet" -}}
{{- $four := list "0.0.0.0/8" "10.0.0.0/8" "100.64.0.0/10" "127.0.0.0/8" "169.254.0.0/16" "172.16.0.0/12" "192.0.0.0/24" "192.168.0.0/16" "198.18.0.0/15" "224.0.0.0/4" "240.0.0.0/4" }}
{{- $six := list "::/127" "64:ff9b::/96" "64:ff9b:1::/48" "2002::/16" "fc00::/7" "fe80::/10" "ff00::/8" }}
{{- range .Values.sessions.closedRanges }}
{{- if contains ":" . }}
{{- $six = append $six . }}
{{- else }}
{{- $four = append $four . }}
{{- end }}
{{- end }}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
          {{- toYaml $four | nindent 10 }}
    - ipBlock:
        cidr: "::/0"
        except:
          {{- toYaml $six | nindent 10 }}
{{- end }}
