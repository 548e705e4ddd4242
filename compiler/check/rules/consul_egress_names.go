package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// longestLabel is what a name of a Service and a value of a label have at most.
const longestLabel = 63

// ConsulWayLong finds a terminating gateway whose pods cannot be called as it is.
var ConsulWayLong = &check.Rule{
	ID: "MG5805", Name: "consul-way-long", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the name of a terminating gateway of Consul is too long for its Service and for a label of its pods

Both are called consul-terminating-gateway, with the name of the egress gateway behind it and, in a datacenter of a federation,
that of the site. The API server takes 63 characters.
Source: hashicorp/consul-k8s v2.0.3 charts/consul/templates/terminating-gateways-service.yaml,
control-plane/controllers/configentries/terminatinggateway_controller.go constructServiceFromCRD; read 2026-11-22.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		for name, at := range byKey(consulLeavingNames(p.Site)) {
			if !strings.HasPrefix(at, "egressGateways.") && name != lower.ConsulWayName(p.Site, "") {
				continue // a destination, which is no object with such a name
			}
			if full := "consul-" + name; len(full) > longestLabel {
				p.Reportf(at, "Consul's terminating gateway is called %s, which has %d characters, more than %d", full, len(full), longestLabel).
					Hintf("a shorter name for the egress gateway, or for the site")
			}
		}
	},
}

// ConsulEgressPortAway finds a port by which a proxy would take a service of another site for something outside.
var ConsulEgressPortAway = &check.Rule{
	ID: "MG5806", Name: "consul-egress-port-away", Severity: diag.Error, On: check.OnFleet,
	Doc: `a service reaches a destination outside at a port at which it calls another site

Where a port is a destination's, a proxy of Consul looks among destinations alone, whatever address a connection goes to: the
service of the other site has an address here, and is not found by it. As consul-egress-port, of two sites.
Source: hashicorp/consul agent/xds/listeners.go, filter chains of DestinationsUpstream, 2026-11-21.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			there := p.Fleet[other]
			for d := range consulLeaving(p.Fleet[n]) {
				for _, call := range d.svc.Calls {
					peer, ref, _ := strings.Cut(call, ":")
					callee := lookup(there, ref)
					if peer != name || callee == nil {
						continue
					}
					ns, sn, _ := strings.Cut(ref, "/")
					for cn, c := range byKey(callee.Ports) {
						if c.Port == d.Port && c.Protocol != "udp" {
							p.ReportIn(n, d.svc.path+".egress."+site.Index(d.i), "%s reaches %q at port %d, and calls %s at that port: its proxy would look for %s outside", d.svc.full(), d.name, c.Port, call, call).
								RelatedIn(other, site.Join("namespaces", ns, "services", sn, "ports", cn), "the port of the service").Hintf("another port for the Service of %s", call)
						}
					}
				}
			}
		})
	},
}
