package verify

// checkConsulStreams: the controller looks at TCPRoutes where the chart tells it to, and leads connections to services that
// speak tcp: to another one it has no listener (control-plane/api-gateway/controllers/gateway_controller.go, EnableTCP, of
// consul-k8s v2.0.3).
func (p *pass) checkConsulStreams(v *values) {
	for _, o := range p.objects {
		if !o.is("gateway.networking.k8s.io", "TCPRoute") || o.within != nil {
			continue
		}
		if get(v.value, "global", "crds", "enableTcpRoute") != true {
			v.report(p, ruleConsul, fieldPath{"global", "crds", "enableTcpRoute"}, "the tree has %s, and nobody reads it", o)
		}
		for i, r := range list(o.value, "spec", "rules") {
			for j, b := range list(r, "backendRefs") {
				if d := p.find(consulGroup, "ServiceDefaults", o.namespace, str(b, "name")); d == nil || str(d.value, "spec", "protocol") != "tcp" {
					o.report(p, ruleConsul, fieldPath{"spec", "rules"}.at(i).to("backendRefs").at(j), "service %q speaks no tcp by its ServiceDefaults", str(b, "name"))
				}
			}
		}
	}
}
