package verify

import (
	"slices"
	"strings"
)

// What ztunnel of Cilium 1.20.2 reads: pkg/ztunnel/table, templates/ztunnel, pkg/ztunnel/iptables/inpod.go, read 2026-11-22.
const (
	ztunnelLabel   = "io.cilium/mtls-enabled"
	ztunnelDaemons = "ztunnel-cilium"
	ztunnelPort    = "15008"
)

// enrolledNamespaces are those whose pods the agents take in, sorted.
func (p *pass) enrolledNamespaces() []string {
	var out []string
	for _, o := range p.objects {
		if o.within == nil && o.is("", "Namespace") && str(o.value, "metadata", "labels", ztunnelLabel) == "true" {
			out = append(out, o.name)
		}
	}
	slices.Sort(out)
	return out
}

// checkZtunnel: who has the label is taken in by a proxy that is there, and the policies between such pods admit what it
// makes of their connections, and nothing beside it. No proxy of layer 7 looks into them.
func (p *pass) checkZtunnel() {
	in := p.enrolledNamespaces()
	on := false
	for _, name := range sortedKeys(p.releases.Charts) {
		if v := p.values[name]; v != nil && p.releases.Charts[name].Name == "cilium" && str(ciliumEncryption(v), "type") == "ztunnel" {
			on = true
			p.checkZtunnelValues(v, len(in))
		}
	}
	for _, o := range p.objects {
		switch {
		case o.within != nil:
		case o.is("", "Namespace") && slices.Contains(in, o.name) && !on:
			o.report(p, ruleReference, fieldPath{"metadata", "labels"}, "it has label %s, and no chart brings the proxy that would carry its traffic", ztunnelLabel)
		case o.is(ciliumGroup, "CiliumNetworkPolicy"):
			p.checkZtunnelPolicy(o, in)
		case o.is(ciliumGroup, "CiliumEnvoyConfig") && slices.Contains(in, o.namespace):
			o.report(p, ruleReference, fieldPath{"metadata", "namespace"}, "a listener stands in the way of what ztunnel carries, and would get it in plain text")
		case o.is("gateway.networking.k8s.io", "HTTPRoute") && slices.Contains(in, o.namespace):
			o.report(p, ruleReference, fieldPath{"metadata", "namespace"}, "a route leads requests to pods that talk by ztunnel, past it")
		}
	}
}

func (p *pass) checkZtunnelValues(v *values, namespaces int) {
	at := fieldPath{"encryption", "ztunnel"}
	if namespaces == 0 {
		v.report(p, ruleValues, at, "no namespace has label %s: ztunnel carries nothing", ztunnelLabel)
	}
	if get(v.value, "kubeProxyReplacement") != true || get(v.value, "socketLB", "hostNamespaceOnly") == true {
		v.report(p, ruleValues, at, "addresses of Services leave pods as they are, and ztunnel knows none")
	}
	if str(v.value, "cluster", "name") != "" || get(v.value, "clustermesh", "useAPIServer") == true {
		v.report(p, ruleValues, at, "no agent starts with ztunnel and Cluster Mesh")
	}
	if get(v.value, "encryption", "strictMode") != nil {
		v.report(p, ruleValues, fieldPath{"encryption", "strictMode"}, "ztunnel has no strict mode")
	}
	if ca := str(v.value, "encryption", "ztunnel", "ca", "type"); ca != "internal" {
		v.report(p, ruleValues, at.to("ca").to("type"), "no authority of the tree is %q", ca)
	}
	rolling := get(v.value, "encryption", "ztunnel", "updateStrategy", "rollingUpdate")
	if number(get(rolling, "maxSurge")) != 0 || get(rolling, "maxSurge") == nil || number(get(rolling, "maxUnavailable")) != 1 {
		v.report(p, ruleValues, at.to("updateStrategy"), "a second proxy beside that of a node finds its ports taken, and the rollout never ends")
	}
}

// checkZtunnelPolicy: between enrolled pods exactly the port of ztunnel, and nowhere else.
func (p *pass) checkZtunnelPolicy(o *object, in []string) {
	for side, peers := range map[string]string{"ingress": "fromEndpoints", "egress": "toEndpoints"} {
		for i, r := range list(o.value, "spec", side) {
			at := fieldPath{"spec", side}.at(i)
			var ports []string
			for _, t := range list(r, "toPorts") {
				for _, port := range list(t, "ports") {
					ports = append(ports, str(port, "port")+"/"+str(port, "protocol"))
				}
				if len(list(t, "rules", "http")) > 0 {
					ports = append(ports, "requests")
				}
			}
			both := slices.Contains(in, o.namespace) && len(list(r, peers)) > 0
			for _, s := range list(r, peers) {
				both = both && slices.Contains(in, str(s, "matchLabels", ciliumPodNamespace))
			}
			switch tunnel := slices.Contains(ports, ztunnelPort+"/TCP"); {
			case both && !slices.Equal(ports, []string{ztunnelPort + "/TCP"}):
				o.report(p, ruleReference, at.to("toPorts"), "both ends talk by ztunnel, at port %s alone, and it admits %s", ztunnelPort, strings.Join(ports, ", "))
			case !both && tunnel && len(in) > 0:
				o.report(p, ruleReference, at.to("toPorts"), "it admits port %s, and one end does not talk by ztunnel", ztunnelPort)
			}
		}
	}
}

// ztunnelSecrets is the Secret that agents and proxies mount where Cilium encrypts by ztunnel (templates/cilium-agent and
// templates/ztunnel, pkg/ztunnel/ca/ca_server.go of Cilium 1.20.2).
func (p *pass) ztunnelSecrets() (out []SecretRef) {
	makers := p.secretMakers()
	for _, name := range sortedKeys(p.releases.Charts) {
		chart, v := p.releases.Charts[name], p.values[name]
		if v == nil || chart.Name != "cilium" || str(ciliumEncryption(v), "type") != "ztunnel" {
			continue
		}
		const secret = "cilium-ztunnel-secrets"
		add := func(by string, keys ...string) {
			out = append(out, SecretRef{Namespace: chart.Namespace, Name: secret, Keys: keys, By: "DaemonSet " + chart.Namespace + "/" + by,
				MadeBy: makers[chart.Namespace+"/"+secret], First: true})
		}
		add("cilium", "bootstrap-private.key", "bootstrap-root.crt", "ca-private.key", "ca-root.crt")
		add(ztunnelDaemons, "bootstrap-root.crt")
	}
	return out
}
