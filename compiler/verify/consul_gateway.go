package verify

import "strconv"

// checkConsulGateways: the class of a Gateway names its places, and a Service of ours leads to the ports of the pods.
func (p *pass) checkConsulGateways() {
	configs := map[string]*object{}
	for _, o := range p.objects {
		if o.is(consulGroup, "GatewayClassConfig") {
			configs[o.name] = o
		}
	}
	routes := map[string]*object{}
	for _, o := range p.objects {
		if !o.is("gateway.networking.k8s.io", "HTTPRoute") && !o.is("gateway.networking.k8s.io", "TCPRoute") {
			continue
		}
		if other := routes[o.kind+o.name]; other != nil {
			o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "%s has the name too: they are one entry, without a namespace", other)
		}
		routes[o.kind+o.name] = o
	}
	for _, g := range p.objects {
		if !g.is("gateway.networking.k8s.io", "Gateway") {
			continue
		}
		c := configs[str(g.value, "spec", "gatewayClassName")]
		if c == nil {
			g.report(p, ruleConsul, fieldPath{"spec", "gatewayClassName"}, "there is no GatewayClassConfig of that name")
			continue
		}
		if str(g.value, "metadata", "labels", "component") != "api-gateway" {
			g.report(p, ruleConsul, fieldPath{"metadata", "labels"}, "without the label component: api-gateway the controller hears nothing of it")
		}
		p.checkConsulAnew(g, c)
		if str(c.value, "spec", "serviceType") != "ClusterIP" {
			c.report(p, ruleConsul, fieldPath{"spec", "serviceType"}, "the controller's own Service would take an address beside ours")
		}
		offset := int64(number(get(c.value, "spec", "mapPrivilegedContainerPorts")))
		for _, s := range p.objects {
			if !s.is("", "Service") || s.namespace != g.namespace || str(s.value, "spec", "selector", "gateway."+consulGroup+"/name") != g.name {
				continue
			}
			for i, port := range list(s.value, "spec", "ports") {
				want, _ := integer(port, "port")
				if want < 1024 {
					want += offset
				}
				if got, _ := integer(port, "targetPort"); got != want {
					s.report(p, ruleConsul, fieldPath{"spec", "ports"}.at(i).to("targetPort"), "the pods have port %d", want)
				}
			}
		}
	}
}

// checkConsulAnew: install.sh has the controller write the pods of a gateway anew, once the gateway stands: it looks at their
// number, and neither at image nor at place or size (control-plane/api-gateway/gatekeeper/deployment.go of consul-k8s v2.0.3).
func (p *pass) checkConsulAnew(g, config *object) {
	s := p.delivery.script
	if s == nil {
		return
	}
	n, _ := integer(config.value, "spec", "deployment", "maxInstances")
	waited, done := false, false
	for _, st := range s.steps {
		switch {
		case st.name == "wait_for" && st.args[0] == g.namespace && st.args[1] == "gateway.gateway.networking.k8s.io/"+g.name:
			waited = true
		case st.name == "anew" && st.args[0] == g.namespace && st.args[1] == g.name:
			done = true
			if got, err := strconv.ParseInt(st.args[2], 10, 64); err != nil || got != n || !waited {
				p.report(s.file, st.line, ruleConsul, "gateway %s has %d pods, which are there when it is programmed", g.name, n)
			}
		}
	}
	if !done {
		p.report(s.file, 0, ruleConsul, "what changes in place, size or image reaches no pod of %s", g)
	}
}
