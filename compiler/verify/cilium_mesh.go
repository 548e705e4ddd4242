package verify

import (
	"regexp"
	"slices"
	"strconv"
)

// ciliumController serves gateways: a GatewayClass that names it is Cilium's.
const ciliumController = "io.cilium/gateway-controller"

// ciliumEntities are those of the tree's policies. Cilium has more; a word that it does not know refuses the policy.
var ciliumEntities = []string{"host", "ingress", "kube-apiserver", "remote-node", "world"}

// ciliumPodNamespace is the label by which policies know the namespace of a pod.
const ciliumPodNamespace = "k8s:io.kubernetes.pod.namespace"

// checkCiliumMesh holds what the mesh of the pod network reads together: the classes of gateways, the policies, and the
// values of the chart without which nobody reads them.
func (p *pass) checkCiliumMesh() {
	var classes, policies, listeners bool
	for _, o := range p.objects {
		switch {
		case o.within != nil:
		case o.is("gateway.networking.k8s.io", "GatewayClass") && str(o.value, "spec", "controllerName") == ciliumController:
			classes = true
			p.checkCiliumClass(o)
		case o.is(ciliumGroup, "CiliumGatewayClassConfig"):
			p.checkCiliumConfig(o)
		case o.is(ciliumGroup, "CiliumNetworkPolicy"):
			policies = true
			p.checkCiliumPolicy(o)
		case o.is(ciliumGroup, "CiliumEnvoyConfig"):
			listeners = true
			p.checkCiliumEnvoy(o)
		}
	}
	if policies {
		p.checkCiliumAdds()
	}
	p.checkClusterMesh()
	for name, chart := range p.releases.Charts {
		v := p.values[name]
		if v == nil || chart.Name != "cilium" || !classes && !policies {
			continue
		}
		if get(v.value, "l7Proxy") == false || get(v.value, "envoy", "enabled") == false {
			v.report(p, ruleValues, fieldPath{"l7Proxy"}, "the tree has policies and routes of requests, and there is no proxy")
		}
		if classes && get(v.value, "gatewayAPI", "enabled") != true {
			v.report(p, ruleValues, fieldPath{"gatewayAPI", "enabled"}, "the tree has a class of gateways, and nothing serves it")
		}
		if listeners && get(v.value, "gatewayAPI", "enabled") != true && get(v.value, "envoyConfig", "enabled") != true {
			v.report(p, ruleValues, fieldPath{"gatewayAPI", "enabled"}, "the tree has a CiliumEnvoyConfig, which the agents read with it alone")
		}
		if classes && get(v.value, "kubeProxyReplacement") != true {
			v.report(p, ruleValues, fieldPath{"kubeProxyReplacement"}, "gateways need kube-proxy to be replaced")
		}
		if classes && str(v.value, "gatewayAPI", "gatewayClass", "create") != "false" {
			v.report(p, ruleValues, fieldPath{"gatewayAPI", "gatewayClass", "create"}, "the chart asks the cluster what it writes: no two renders need be equal")
		}
		p.checkCiliumEncryption(v)
	}
	p.checkZtunnel()
	p.checkProved()
}

// checkCiliumClass: the class names parameters that are there, and a Gateway is of it.
func (p *pass) checkCiliumClass(o *object) {
	ref := get(o.value, "spec", "parametersRef")
	if p.find(ciliumGroup, str(ref, "kind"), str(ref, "namespace"), str(ref, "name")) == nil {
		o.report(p, ruleReference, fieldPath{"spec", "parametersRef"}, "there is no %s %s/%s in the tree", str(ref, "kind"), str(ref, "namespace"), str(ref, "name"))
	}
	for _, g := range p.objects {
		p.checkCiliumStreams(o, g)
	}
	if !slices.ContainsFunc(p.objects, func(g *object) bool {
		return g.is("gateway.networking.k8s.io", "Gateway") && str(g.value, "spec", "gatewayClassName") == o.name
	}) {
		o.report(p, ruleReference, fieldPath{"metadata", "name"}, "no Gateway is of this class")
	}
}

func (p *pass) checkCiliumConfig(o *object) {
	service := get(o.value, "spec", "service")
	if t := str(service, "externalTrafficPolicy"); t != "Local" && t != "Cluster" {
		o.report(p, ruleReference, fieldPath{"spec", "service", "externalTrafficPolicy"}, "%q is neither Local nor Cluster", t)
	}
	if !slices.ContainsFunc(p.objects, func(c *object) bool {
		return c.is("gateway.networking.k8s.io", "GatewayClass") && str(c.value, "spec", "parametersRef", "name") == o.name && str(c.value, "spec", "parametersRef", "namespace") == o.namespace
	}) {
		o.report(p, ruleReference, fieldPath{"metadata", "name"}, "no GatewayClass has these parameters")
	}
}

// checkCiliumPolicy: Cilium checks the rest of a policy when it reads it, and refuses it as a whole.
func (p *pass) checkCiliumPolicy(o *object) {
	for _, side := range []string{"ingress", "egress"} {
		for i, r := range list(o.value, "spec", side) {
			at := fieldPath{"spec", side}.at(i)
			for _, word := range []string{"from", "to"} {
				for _, e := range strs(r, word+"Entities") {
					if !slices.Contains(ciliumEntities, e) {
						o.report(p, ruleReference, at.to(word+"Entities"), "%q is no entity that policies of the tree are about", e)
					}
				}
				for j, s := range list(r, word+"Endpoints") {
					ns := str(s, "matchLabels", ciliumPodNamespace)
					if c := str(s, "matchLabels", policyCluster); c != "" && c != p.releases.Site {
						continue // its namespaces are not of this tree
					}
					if ns != "kube-system" && p.find("", "Namespace", "", ns) == nil {
						o.report(p, ruleReference, at.to(word+"Endpoints").at(j), "there is no Namespace %q in the tree", ns)
					}
				}
			}
			for j, t := range list(r, "toPorts") {
				p.checkCiliumPorts(o, at.to("toPorts").at(j), t)
			}
		}
	}
}

func (p *pass) checkCiliumPorts(o *object, at fieldPath, t any) {
	tcp := true
	for i, port := range list(t, "ports") {
		n, err := strconv.ParseUint(str(port, "port"), 10, 16)
		if err != nil || n == 0 {
			o.report(p, ruleReference, at.to("ports").at(i).to("port"), "%q is no port", str(port, "port"))
		}
		tcp = tcp && str(port, "protocol") == "TCP"
	}
	for i, q := range list(t, "rules", "http") {
		for _, field := range []string{"method", "path", "host"} {
			if _, err := regexp.Compile(str(q, field)); err != nil {
				o.report(p, ruleReference, at.to("rules").to("http").at(i).to(field), "is no regular expression: %v", err)
			}
		}
		if !tcp {
			o.report(p, ruleReference, at.to("ports"), "requests are looked at on TCP alone")
		}
	}
}

// checkCiliumAdds: a NetworkPolicy adds to Cilium's own. One that admits somebody at a port lets all requests through that
// another policy holds him to.
func (p *pass) checkCiliumAdds() {
	held := map[string]bool{}
	for _, o := range p.objects {
		if o.is(ciliumGroup, "CiliumNetworkPolicy") {
			held[o.namespace] = true
		}
	}
	for _, o := range p.objects {
		if !o.is("networking.k8s.io", "NetworkPolicy") || !held[o.namespace] {
			continue
		}
		for _, side := range []string{"ingress", "egress"} {
			if len(list(o.value, "spec", side)) > 0 {
				o.report(p, ruleReference, fieldPath{"spec", side}, "it opens what a CiliumNetworkPolicy of the namespace may hold to some requests: the two add up")
			}
		}
	}
	for ns := range held {
		if p.find("networking.k8s.io", "NetworkPolicy", ns, "default-deny") == nil {
			for _, o := range p.objects {
				if o.is(ciliumGroup, "CiliumNetworkPolicy") && o.namespace == ns {
					o.report(p, ruleReference, fieldPath{"metadata", "namespace"}, "nothing closes the directions that no policy of the namespace opens: NetworkPolicy default-deny is missing")
					break
				}
			}
		}
	}
}
