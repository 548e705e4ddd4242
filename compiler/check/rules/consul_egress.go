package rules

import (
	"iter"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// consulRules are the rules about what leaves Consul's mesh.
var consulRules = []*check.Rule{
	ConsulMachineSlow,
	ConsulMachineTime,
	ConsulEgressPort,
	ConsulEgressName,
	ConsulEgressReserved,
	ConsulMachine,
	ConsulWayLong,
	ConsulEgressPortAway,
}

// consulClosed reports whether Consul's proxies refuse what the site does not declare.
func consulClosed(s *site.Site) bool {
	return s.Mesh.Kind == "consul" && s.Mesh.EgressPolicy == "registry-only"
}

// departure is a port of a destination that a service of Consul's mesh reaches through a terminating gateway.
type departure struct {
	svc        placed
	i          int // in the service's egress
	name, port string
	*site.PlainPort
}

// consulLeaving yields them by service.
func consulLeaving(s *site.Site) iter.Seq[departure] {
	return func(yield func(departure) bool) {
		for svc := range services(s) {
			if !consulClosed(s) || !s.Namespaces[svc.namespace].Mesh || svc.Workload == "VM" {
				continue
			}
			for i, name := range svc.Egress {
				e := s.External[name]
				if e == nil {
					continue
				}
				for pn, port := range byKey(e.Ports) {
					if port.Protocol != "udp" && !yield(departure{svc, i, name, pn, port}) {
						return
					}
				}
			}
		}
	}
}

// consulLeavingNames are the names that Consul has for what leaves the mesh of a site: destinations and terminating gateways,
// with their places.
func consulLeavingNames(s *site.Site) map[string]string {
	out := map[string]string{}
	for d := range consulLeaving(s) {
		out[lower.ConsulDestination(s, d.name, d.port)] = site.Join("external", d.name, "ports", d.port)
		if via := s.External[d.name].Via; via != "" {
			out[lower.ConsulWayName(s, via)] = site.Join("egressGateways", via)
		} else {
			out[lower.ConsulWayName(s, "")] = site.Join("external", d.name)
		}
	}
	for svc := range services(s) {
		if s.Mesh.Kind == "consul" && svc.Workload == "VM" {
			out[lower.ConsulWayName(s, "")] = svc.path + ".workload"
		}
	}
	return out
}

// ConsulEgressPort finds a port by which a proxy would take a service for something outside.
var ConsulEgressPort = &check.Rule{
	ID: "MG5410", Name: "consul-egress-port", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service reaches a destination outside at a port that a service has which it calls too

Consul tells its proxies services of the mesh by address and destinations by port first. Where a port is a destination's,
Envoy looks among destinations alone: connections to the service at that port are refused. Requests of http and of grpc
at one port have one listener, which speaks one of the two.
Source: hashicorp/consul agent/xds/listeners.go, filter chains of DestinationsUpstream; envoyproxy/envoy
source/common/listener_manager/filter_chain_manager_impl.cc, findFilterChain, 2026-11-21.`,
	Run: func(p *check.Pass) {
		type speech struct{ protocol, at string }
		spoken := map[string]map[int]speech{}
		for d := range consulLeaving(p.Site) {
			svc, name, pn, port := d.svc, d.name, d.port, d.PlainPort
			at := svc.path + ".egress." + site.Index(d.i)
			for _, call := range svc.Calls {
				callee := lookup(p.Site, call)
				if callee == nil || !p.Site.Namespaces[strings.Split(call, "/")[0]].Mesh {
					continue
				}
				for cn, c := range byKey(callee.Ports) {
					if c.Port == port.Port && c.Protocol != "udp" {
						ns, sn, _ := strings.Cut(call, "/")
						p.Reportf(at, "%s reaches %q at port %d, and calls %s at that port: its proxy would look for %s outside", svc.full(), name, port.Port, call, call).
							Related(site.Join("namespaces", ns, "services", sn, "ports", cn), "the port of the service").Hintf("another port for the Service of %s", call)
					}
				}
			}
			if port.Protocol != "http" && port.Protocol != "grpc" {
				continue
			}
			if spoken[svc.path] == nil {
				spoken[svc.path] = map[int]speech{}
			}
			here := site.Join("external", name, "ports", pn)
			if first, ok := spoken[svc.path][port.Port]; ok && first.protocol != port.Protocol {
				p.Reportf(at, "%s reaches destinations at port %d that speak %s and %s: its proxy has one listener for both", svc.full(), port.Port, first.protocol, port.Protocol).Hintf("one protocol for both: tcp carries any; or another port for one of them").
					Related(first.at, "the other one")
			} else if !ok {
				spoken[svc.path][port.Port] = speech{port.Protocol, here}
			}
		}
	},
}

// ConsulEgressName finds destinations that a proxy cannot tell by what it sees.
var ConsulEgressName = &check.Rule{
	ID: "MG5411", Name: "consul-egress-name", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a destination is known by a name that Consul's proxies do not see, or by a pattern

A name is in the first packet of TLS and in requests. A stream of tcp carries none: the proxy knows it by its address. The
terminating gateway looks names up itself, and a pattern cannot be looked up: the webhook refuses it.
Source: hashicorp/consul agent/xds/listeners.go, filter chains of destinations; hashicorp/consul-k8s v2.0.3
control-plane/api/v1alpha1/servicedefaults_types.go, validEndpointAddress, 2026-11-21.`,
	Run: func(p *check.Pass) {
		seen := map[string]bool{}
		for d := range consulLeaving(p.Site) {
			name, pn, port := d.name, d.port, d.PlainPort
			e := p.Site.External[name]
			if key := name + "/" + pn; seen[key] || len(e.Hosts)+len(e.Addresses) == 0 {
				continue
			} else {
				seen[key] = true
			}
			if port.Protocol == "tcp" && len(e.Addresses) == 0 {
				p.Reportf(site.Join("external", name, "ports", pn), "destination %q speaks tcp at port %d and has names alone (%s): Consul's proxies know a stream by its address", name, port.Port, some(e.Hosts, ", ")).
					Hintf("addresses: the addresses behind the names, or protocol: \"tls\" where it is encrypted")
			}
			for i, h := range e.Hosts {
				if strings.HasPrefix(h, "*.") && port.Protocol != "tcp" {
					p.Reportf(site.Join("external", name, "hosts", site.Index(i)), "destination %q names %s: Consul's terminating gateway looks names up, and a pattern has no address", name, h).
						Hintf("whole names")
				}
			}
		}
	},
}

// ConsulEgressReserved finds names that the way out of the mesh has.
var ConsulEgressReserved = &check.Rule{
	ID: "MG5412", Name: "consul-egress-reserved", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service or gateway is called as a destination outside or as the terminating gateway is

Consul knows one name for each: a port of a destination is a service to it, called after both. Whoever may call the one
would reach the other.
Source: hashicorp/consul-k8s v2.0.3 charts/consul/values.yaml global.enableConsulNamespaces (Enterprise).`,
	Run: func(p *check.Pass) {
		taken := consulLeavingNames(p.Site)
		if len(taken) == 0 {
			return
		}
		for gn := range byKey(p.Site.Gateways) {
			if at := taken[gn]; at != "" {
				p.Reportf(site.Join("gateways", gn), "gateway %q has a name that Consul has for what leaves the mesh", gn).Hintf("another name for the gateway").Related(at, "what leaves")
			}
		}
		for s := range services(p.Site) {
			if at := taken[s.name]; at != "" && p.Site.Namespaces[s.namespace].Mesh {
				p.Reportf(s.path, "service %s has a name that Consul has for what leaves the mesh", s.full()).Hintf("another name for the service").Related(at, "what leaves")
			}
		}
		at := map[string]string{}
		for d := range consulLeaving(p.Site) {
			called, here := lower.ConsulDestination(p.Site, d.name, d.port), site.Join("external", d.name, "ports", d.port)
			if other := at[called]; other != "" && other != here {
				p.Reportf(here, "port %q of destination %q is called %s by Consul, and so is another", d.port, d.name, called).Hintf("another name for the destination or its port").Related(other, "the other one")
			}
			at[called] = here
		}
	},
}

// ConsulMachine refuses what is asked of a machine that a terminating gateway stands for.
var ConsulMachine = &check.Rule{
	ID: "MG5413", Name: "consul-vm", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a VM in Consul's catalog is exposed, speaks UDP, or failing ones of several are to be left out

A proxy knows the terminating gateway and not the machines behind it: it would leave out the gateway, for everybody. UDP goes
past the proxies, and nobody is behind the address of the VM's Service. The API gateway's controller takes the pods of a
Service for its backends, and a VM has none.
Source: hashicorp/consul agent/xds, endpoints of services behind terminating gateways; hashicorp/consul-k8s v2.0.3
control-plane/api-gateway/common/translation.go, 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		for s := range services(p.Site) {
			if s.Workload != "VM" {
				continue
			}
			if s.OutlierDetection != nil {
				p.Reportf(s.path+".outlierDetection", "VM %s is behind a terminating gateway: proxies would leave that out, and not the VM", s.full()).Hintf("leave it out")
			}
			if len(s.Expose) > 0 {
				p.Reportf(s.path+".expose", "VM %s has no pods, which Consul's API gateway looks for", s.full()).Hintf("a service with pods in front")
			}
			for pn, port := range byKey(s.Ports) {
				if port.Protocol == "udp" {
					p.Reportf(s.path+"."+site.Join("ports", pn), "port %q of VM %s is UDP, which goes past the proxies: nobody is behind the address of its Service", pn, s.full()).
						Hintf("declare it in external")
				}
			}
		}
	},
}
