package main

import (
	"fmt"
	"log"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// What a connection passes: to another pod by forward, to the node's own programs by input. What the node itself
// begins (the kubelet's probes) is always let through, as the API says.
const frame = `table inet somahub-lab-policy
delete table inet somahub-lab-policy
table inet somahub-lab-policy {
%schain from-pods {
%s}
chain to-pods {
%s}
chain forward {
type filter hook forward priority filter; policy accept;
ct state established,related accept
jump from-pods
jump to-pods
}
chain input {
type filter hook input priority filter; policy accept;
ct state established,related accept
jump from-pods
}
}
`

// rules writes every policy as one nftables script. A pod that no policy selects has no chain and meets no rule.
func (c *cluster) rules(policies []*networking.NetworkPolicy) string {
	var chains, out, in strings.Builder
	slices.SortFunc(c.pods, func(a, b *v1.Pod) int { return strings.Compare(a.Status.PodIP, b.Status.PodIP) })
	slices.SortFunc(policies, func(a, b *networking.NetworkPolicy) int { return strings.Compare(string(a.UID), string(b.UID)) })
	for _, pod := range c.pods {
		address := pod.Status.PodIP
		if allowed, isolated := c.ingress(pod, policies); isolated {
			fmt.Fprintf(&chains, "chain to-%s {\n%sdrop\n}\n", address, allowed)
			fmt.Fprintf(&in, "ip daddr %s jump to-%s\n", address, address)
		}
		if allowed, isolated := c.egress(pod, policies); isolated {
			fmt.Fprintf(&chains, "chain from-%s {\n%sdrop\n}\n", address, allowed)
			fmt.Fprintf(&out, "ip saddr %s jump from-%s\n", address, address)
		}
	}
	return fmt.Sprintf(frame, chains.String(), out.String(), in.String())
}

func (c *cluster) ingress(pod *v1.Pod, policies []*networking.NetworkPolicy) (allowed string, isolated bool) {
	for _, policy := range policies {
		if ingress, _ := directions(policy); !ingress || !selects(policy, pod) {
			continue
		}
		isolated = true
		for _, rule := range policy.Spec.Ingress {
			for _, peer := range c.peers("saddr", policy.Namespace, rule.From) {
				for _, port := range ports(rule.Ports, pod) {
					allowed += line(peer.match, port)
				}
			}
		}
	}
	return allowed, isolated
}

func (c *cluster) egress(pod *v1.Pod, policies []*networking.NetworkPolicy) (allowed string, isolated bool) {
	for _, policy := range policies {
		if _, egress := directions(policy); !egress || !selects(policy, pod) {
			continue
		}
		isolated = true
		for _, rule := range policy.Spec.Egress {
			for _, peer := range c.peers("daddr", policy.Namespace, rule.To) {
				for _, port := range ports(rule.Ports, peer.pod) {
					allowed += line(peer.match, port)
				}
			}
		}
	}
	return allowed, isolated
}

// peer is one other end: a match of nftables, and the pod that it means where it means one.
type peer struct {
	match string
	pod   *v1.Pod
}

func (c *cluster) peers(side, namespace string, said []networking.NetworkPolicyPeer) []peer {
	if len(said) == 0 {
		return []peer{{}} // anybody
	}
	var found []peer
	for _, each := range said {
		if block := each.IPBlock; block != nil {
			match := fmt.Sprintf("ip %s %s", side, block.CIDR)
			if strings.Contains(block.CIDR, ":") {
				continue // the cluster has no IPv6
			}
			if len(block.Except) > 0 {
				match += fmt.Sprintf(" ip %s != { %s }", side, strings.Join(block.Except, ", "))
			}
			found = append(found, peer{match: match})
			continue
		}
		for _, pod := range c.pods {
			if c.meant(each, namespace, pod) {
				found = append(found, peer{fmt.Sprintf("ip %s %s", side, pod.Status.PodIP), pod})
			}
		}
	}
	return found
}

// meant tells whether a peer's selectors mean a pod; without a selector of namespaces, the policy's own.
func (c *cluster) meant(each networking.NetworkPolicyPeer, namespace string, pod *v1.Pod) bool {
	if each.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false
		}
	} else if !matches(each.NamespaceSelector, c.namespaces[pod.Namespace]) {
		return false
	}
	return each.PodSelector == nil || matches(each.PodSelector, pod.Labels)
}

func selects(policy *networking.NetworkPolicy, pod *v1.Pod) bool {
	return policy.Namespace == pod.Namespace && matches(&policy.Spec.PodSelector, pod.Labels)
}

func matches(said *metav1.LabelSelector, set labels.Set) bool {
	selector, err := metav1.LabelSelectorAsSelector(said)
	if err != nil {
		log.Print(err)
		return false
	}
	return selector.Matches(set)
}

// ports writes what a rule says of ports, one match each; a name means the port of that name of the pod at the end.
func ports(said []networking.NetworkPolicyPort, end *v1.Pod) []string {
	if len(said) == 0 {
		return []string{""}
	}
	var found []string
	for _, each := range said {
		protocol := "tcp"
		if each.Protocol != nil {
			protocol = strings.ToLower(string(*each.Protocol))
		}
		switch {
		case each.Port == nil:
			found = append(found, "meta l4proto "+protocol)
		case each.Port.Type == intstr.String:
			for _, number := range named(each.Port.StrVal, protocol, end) {
				found = append(found, fmt.Sprintf("%s dport %d", protocol, number))
			}
		case each.EndPort != nil:
			found = append(found, fmt.Sprintf("%s dport %d-%d", protocol, each.Port.IntVal, *each.EndPort))
		default:
			found = append(found, fmt.Sprintf("%s dport %d", protocol, each.Port.IntVal))
		}
	}
	return found
}

func named(name, protocol string, end *v1.Pod) []int32 {
	var found []int32
	if end == nil {
		return nil
	}
	for _, container := range slices.Concat(end.Spec.InitContainers, end.Spec.Containers) {
		for _, port := range container.Ports {
			if port.Name == name && strings.EqualFold(string(port.Protocol), protocol) {
				found = append(found, port.ContainerPort)
			}
		}
	}
	return found
}

// line lets through what matches: "return" goes on to the other end's own rules, "accept" would skip them.
func line(peer, port string) string {
	return strings.Join(strings.Fields(peer+" "+port+" return"), " ") + "\n"
}
