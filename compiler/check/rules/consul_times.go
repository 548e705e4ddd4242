package rules

import (
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// gatewayTime is what Envoy gives a request where no route says otherwise: those of a terminating gateway say nothing without
// a ServiceResolver (hashicorp/consul agent/xds/routes.go, makeNamedDefaultRouteWithLB; Envoy, RouteAction.timeout).
const gatewayTime = 15 * time.Second

// consulMachine reports whether a service is machines that are asked through Consul's terminating gateway.
func consulMachine(s *site.Site, v placed) bool {
	if s.Mesh.Kind != "consul" || v.Workload != "VM" || !s.Namespaces[v.namespace].Mesh {
		return false
	}
	for _, port := range v.Ports {
		if ir.IsHTTP(port.Protocol) {
			return true
		}
	}
	return false
}

// ConsulMachineSlow finds requests to machines that may take longer than the gateway in front of them waits.
var ConsulMachineSlow = &check.Rule{
	ID: "MG5860", Name: "consul-machine-slow", Severity: diag.Error, On: check.OnSite,
	Doc: `a request to a machine may take longer than the terminating gateway in front of it waits

The caller's proxy goes by the declared time. The terminating gateway ends each request after 15 s, Envoy's own time.
Source: hashicorp/consul agent/xds/routes.go makeNamedDefaultRouteWithLB; Envoy, RouteAction.timeout; read on 2026-11-22.`,
	Run: func(p *check.Pass) {
		for v := range services(p.Site) {
			if consulMachine(p.Site, v) && site.ParseDuration(v.Timeout) > gatewayTime {
				p.Reportf(v.path+".timeout", "a request to %s/%s may take %s, and the terminating gateway in front of the machines ends it after %s", v.namespace, v.name, v.Timeout, gatewayTime).
					Related("mesh.kind", "the mesh").Hintf("timeout: %q at the most, or protocol: \"tcp\", which has no such end", "15s")
			}
		}
	},
}

// ConsulMachineTime says how long requests to machines may take where the site says nothing.
var ConsulMachineTime = &check.Rule{
	ID: "MG5861", Name: "consul-machine-time", Severity: diag.Note, On: check.OnSite,
	Doc: `requests to machines end after 15 s, and the site gives them no time

Without a timeout nothing ends a request, as the language has it. The terminating gateway in front of machines does: after
15 s, Envoy's own time.
Source: as of consul-machine-slow.`,
	Run: func(p *check.Pass) {
		for v := range services(p.Site) {
			if consulMachine(p.Site, v) && v.Timeout == "" {
				p.Reportf(v.path, "a request to %s/%s has no timeout, and the terminating gateway in front of the machines ends it after %s", v.namespace, v.name, gatewayTime).
					Related("mesh.kind", "the mesh").Hintf("timeout: %q says so", "15s")
			}
		}
	},
}
