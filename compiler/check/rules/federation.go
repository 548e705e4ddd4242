package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// federationRules are the rules about what crosses sites, seen from one of them. Those about the mesh itself are MG5180 to
// MG5186.
var federationRules = []*check.Rule{
	FederationListeners,
	FederatedService,
	FederatedNameTwice,
}

// FederationListeners finds a gateway for other sites that is asked for more than it is.
var FederationListeners = &check.Rule{
	ID: "MG7201", Name: "federation-listeners", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway of purpose federation has listeners or a program of its own, or stands behind machines

Its one port is the mesh's, and proxies of other sites alone speak there. They find it by the address in the status of its
Service: one of type NodePort, behind machines, has none.
Source: istio.io, install multi-primary on different networks; pilot/pkg/serviceregistry/kube/controller/network.go.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			if g.Purpose != "federation" {
				continue
			}
			for ln := range byKey(g.Listeners) {
				p.Reportf(site.Join("gateways", gn, "listeners", ln), "gateway %q is for other sites, and has a listener of its own", gn).
					Hintf("leave the listeners out; clients need a gateway of purpose ingress")
			}
			if g.Implementation != nil {
				p.Reportf(site.Join("gateways", gn, "implementation"), "gateway %q is for other sites: the mesh's own program serves it", gn).Hintf("leave implementation out")
			}
			if p.Site.LoadBalancer.Kind == "external" {
				p.Reportf(site.Join("gateways", gn, "purpose"), "gateway %q is for other sites, and stands behind machines: they find no address of it", gn).Hintf("a load balancer of the cluster, such as loadBalancer: kind: \"metallb\"").
					Related("loadBalancer.kind", "the load balancer")
			}
		}
	},
}

// FederatedService finds an end of a call between sites that cannot be one.
var FederatedService = &check.Rule{
	ID: "MG7202", Name: "federated-service", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service that calls another site, or admits one of another site, cannot

What crosses sites is mutual TLS from proxy to proxy: both ends are pods in the mesh. Callers there address the Service and
not its pods, over TCP, and know nothing of routes here: a split would not hold for them.
Source: pilot/pkg/networking/core/gateway.go of Istio 1.31, builtAutoPassthroughFilterChains.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			meshed := p.Site.Namespaces[s.namespace].Mesh
			for i, c := range s.Calls {
				if strings.Contains(c, ":") && (!meshed || s.Workload == "VM") {
					p.Reportf(s.path+".calls."+site.Index(i), "%s/%s calls %s, and has no proxy of the mesh", s.namespace, s.name, c).
						Hintf("namespaces: %s: mesh: true", s.namespace)
				}
			}
			tcp := false
			for _, port := range s.Ports {
				tcp = tcp || port.Protocol != "udp"
			}
			for i, a := range s.Allow {
				for j, c := range a.From {
					if !strings.Contains(c, ":") {
						continue
					}
					at, why := s.path+".allow."+site.Index(i)+".from."+site.Index(j), ""
					switch {
					case !meshed || s.Workload == "VM":
						why = "has no proxy of the mesh"
					case s.Headless:
						why = "is headless: its pods are known here alone"
					case len(s.Split) > 0:
						why = "has a split, which callers of another site do not know"
					case !tcp && p.Site.Mesh.Kind != "cilium":
						why = "has no port of TCP"
					default:
						continue
					}
					p.Reportf(at, "%s/%s admits %s, and %s", s.namespace, s.name, c, why).Hintf("leave %s out of allow", c)
				}
			}
		}
	},
}

// FederatedNameTwice finds a call that would be shared out between sites.
var FederatedNameTwice = &check.Rule{
	ID: "MG7203", Name: "federated-name-twice", Severity: diag.Error, On: check.OnSite,
	Doc: `a called service of another site has the name of one here, or of one that is called at a third site

Istio takes services of one name and namespace for one, and Cilium exported ones:
each would get a share of the requests to the other.
Source: istio.io, deployment models, namespace sameness.`,
	Run: func(p *check.Pass) {
		if !isIstio(p.Site.Mesh.Kind) && p.Site.Mesh.Kind != "cilium" {
			return // elsewhere its name here has that of the site in it
		}
		first := map[string][2]string{} // by service: site and path
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				peer, rest, remote := strings.Cut(c, ":")
				if !remote {
					continue
				}
				at := s.path + ".calls." + site.Index(i)
				if lookup(p.Site, rest) != nil {
					ns, sn, _ := strings.Cut(rest, "/")
					p.Reportf(at, "%s/%s calls %s, and this site has a service %s as well", s.namespace, s.name, c, rest).
						Related(site.Join("namespaces", ns, "services", sn), "the service here").Hintf("another name or namespace for one of the two: callers ask for it by name alone")
				}
				if other, ok := first[rest]; ok && other[0] != peer {
					p.Reportf(at, "%s/%s calls %s, and the service of that name is called at site %s as well", s.namespace, s.name, c, other[0]).Hintf("call one of the two, or another name for one of them: callers ask for it by name alone").
						Related(other[1], "called here")
				} else {
					first[rest] = [2]string{peer, at}
				}
			}
		}
	},
}
