package verify

import (
	"slices"
	"strings"
)

// What agents of Cilium 1.20.2 authenticate pods by, as its chart and its agents have it (install/kubernetes/cilium/values.yaml
// authentication, templates/spire; pkg/policy/api/rule.go; read 2026-11-22).
const (
	provedMode   = "required"
	provedPort   = 4250
	spireServers = "spire-server"
	spireDaemons = "spire-agent"
	spirePort    = 8081
)

// checkProved: who must be authenticated can be, and everybody who must is asked: pods at services of namespaces that are to ask.
func (p *pass) checkProved() {
	var on *values
	for _, name := range sortedKeys(p.releases.Charts) {
		v := p.values[name]
		if v == nil || p.releases.Charts[name].Name != "cilium" {
			continue
		}
		if get(v.value, "authentication", "enabled") == true && get(v.value, "authentication", "mutual", "spire", "enabled") == true {
			on = v
			p.checkSPIREServer(v, p.releases.Charts[name].Namespace)
		}
		p.checkProvedFlows(v, on != nil)
		if asks := len(p.releases.Proved) > 0; asks && on == nil {
			v.report(p, ruleValues, fieldPath{"authentication"}, "SPIRE is to sign for pods, and nothing makes agents ask it")
		}
	}
	for _, o := range p.objects {
		if o.within != nil || !o.is(ciliumGroup, "CiliumNetworkPolicy") {
			continue
		}
		p.checkProvedPolicy(o, on != nil)
	}
}

// checkProvedPolicy reads the rules of one policy. What is asked of somebody without a certificate drops him for good.
func (p *pass) checkProvedPolicy(o *object, on bool) {
	for i, r := range list(o.value, "spec", "egress") {
		if has(r, "authentication") {
			o.report(p, ruleReference, fieldPath{"spec", "egress"}.at(i).to("authentication"), "the other end asks already: the first packet of a connection would be dropped twice")
		}
	}
	for i, r := range list(o.value, "spec", "ingress") {
		at := fieldPath{"spec", "ingress"}.at(i)
		mode, service := str(r, "authentication", "mode"), false
		for _, s := range list(r, "fromEndpoints") {
			service = service || p.ofService(dict(s, "matchLabels"))
		}
		switch {
		case has(r, "authentication") && mode != provedMode:
			o.report(p, ruleReference, at.to("authentication"), "mode %q asks for no proof", mode)
		case mode == provedMode && !on:
			o.report(p, ruleReference, at.to("authentication"), "callers must be authenticated, and no chart brings who could: they are dropped")
		case mode == provedMode && (len(list(r, "fromEndpoints")) == 0 || len(strs(r, "fromEntities")) > 0):
			o.report(p, ruleReference, at.to("authentication"), "it asks who has no certificate: gateways, nodes and addresses are none of pods")
		case mode == "" && service && slices.Contains(p.releases.Proved, o.namespace):
			o.report(p, ruleReference, at, "callers of services of Namespace %q must be authenticated, and these need not", o.namespace)
		case mode == provedMode && !slices.Contains(p.releases.Proved, o.namespace):
			o.report(p, ruleReference, at.to("authentication"), "the site does not ask it of callers of Namespace %q", o.namespace)
		}
	}
}

// ofService reports whether labels are those by which policies know the pods of a service: of one that a policy selects.
func (p *pass) ofService(labels map[string]any) bool {
	return slices.ContainsFunc(p.objects, func(o *object) bool {
		own := dict(o.value, "spec", "endpointSelector", "matchLabels")
		if o.within != nil || !o.is(ciliumGroup, "CiliumNetworkPolicy") || o.namespace != labels[ciliumPodNamespace] || len(own) == 0 {
			return false
		}
		for k, v := range own {
			if labels["k8s:"+k] != v {
				return false
			}
		}
		return true
	})
}

// checkSPIREServer: the chart's server comes up where it is put, knows this mesh's trust domain and keeps what it knows; agents
// are on every node.
func (p *pass) checkSPIREServer(v *values, namespace string) {
	at := fieldPath{"authentication", "mutual", "spire"}
	s := get(v.value, at...)
	if d := str(s, "trustDomain"); d != p.releases.TrustDomain {
		v.report(p, ruleValues, at.to("trustDomain"), "%q is not the trust domain of the mesh: %s", d, p.releases.TrustDomain)
	}
	install := get(s, "install")
	if get(install, "enabled") != true || str(s, "serverAddress") != "" {
		v.report(p, ruleValues, at.to("install"), "no chart of the tree brings a server of SPIRE")
	}
	if str(install, "namespace") != namespace || get(install, "existingNamespace") != true {
		v.report(p, ruleValues, at.to("install").to("namespace"), "%q is not there when the chart is installed", str(install, "namespace"))
	}
	if store := get(install, "server", "dataStorage"); get(store, "enabled") != true || str(store, "storageClass") == "" || str(store, "size") == "" {
		v.report(p, ruleValues, at.to("install").to("server").to("dataStorage"), "its keys and all whom it knows would go with its pod")
	}
	every := list(install, "agent", "tolerations")
	if !slices.ContainsFunc(every, func(t any) bool {
		return str(t, "operator") == "Exists" && str(t, "key") == "" && str(t, "effect") == ""
	}) {
		v.report(p, ruleValues, at.to("install").to("agent").to("tolerations"), "nodes with taints have an agent of Cilium and none of SPIRE")
	}
	if own, mirrored := strings.CutSuffix(str(v.value, "image", "repository"), "/cilium/cilium"); mirrored {
		for _, image := range [][]string{{"initImage"}, {"agent", "image"}, {"server", "image"}} {
			if r := str(install, append(image, "repository")...); !strings.HasPrefix(r, own+"/") {
				v.report(p, ruleValues, at.to("install").to(image[0]), "%q is not in the registry that Cilium's own image comes from: %s", r, own)
			}
		}
	}
	if port := get(v.value, "authentication", "mutual", "port"); number(port) != provedPort {
		v.report(p, ruleValues, fieldPath{"authentication", "mutual", "port"}, "filters let handshakes through at port %d, and agents listen at %v", provedPort, port)
	}
	if kind := str(ciliumEncryption(v), "type"); kind == "ztunnel" || kind == "" {
		v.report(p, ruleValues, at, "agents prove who calls, and what calls is not encrypted, or by ztunnel, with which no workload is known to SPIRE: %q", kind)
	}
	if str(v.value, "cluster", "name") != "" || get(v.value, "clustermesh", "useAPIServer") == true {
		v.report(p, ruleValues, at, "there is no trust domain of two clusters, and the site is one of a Cluster Mesh")
	}
}

// checkProvedFlows: flows.csv has the handshakes and the server where they are, and neither elsewhere.
func (p *pass) checkProvedFlows(v *values, on bool) {
	f := p.tree.Lookup("fabric/" + p.releases.Site + "/flows.csv")
	if f == nil {
		return
	}
	var hands, server bool
	for _, row := range p.flows(f) {
		hands = hands || row.area == "nodes" && row.protocol == "tcp" && row.port == provedPort
		server = server || row.area == "pods" && row.protocol == "tcp" && row.port == spirePort && strings.HasPrefix(row.to, spireServers)
	}
	if hands != on || server != on {
		v.report(p, ruleValues, fieldPath{"authentication"}, "agents authenticate pods: %t, and filters let through their handshakes: %t, and SPIRE's server: %t", on, hands, server)
	}
}

// expectedProof: where agents authenticate pods the live state is asked for who signs, as the chart calls it.
func (p *pass) expectedProof() {
	var want *expectedProof
	for _, name := range sortedKeys(p.releases.Charts) {
		if v := p.values[name]; v != nil && p.releases.Charts[name].Name == "cilium" && get(v.value, "authentication", "mutual", "spire", "enabled") == true {
			want = &expectedProof{str(v.value, "authentication", "mutual", "spire", "install", "namespace"), spireDaemons, spireServers}
		}
	}
	switch e := p.expected.Proves; {
	case (e == nil) != (want == nil):
		p.unexpected("agents authenticate pods: %t, and the live state is asked for it: %t", want != nil, e != nil)
	case e != nil && *e != *want:
		p.unexpected("SPIRE is asked for as %+v, and the chart has it as %+v", *e, *want)
	}
}
