package rules

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// isDatacenter reports whether a site is a datacenter of a federation of Consul.
func isDatacenter(s *site.Site) bool {
	f := s.Federation
	return s.Mesh.Kind == "consul" && f != nil && f.Consul != nil && f.Consul.Mode == "wan"
}

// meshedServices are the services that Consul knows, with their places, by name.
func meshedServices(s *site.Site) map[string]string {
	out := map[string]string{}
	for svc := range services(s) {
		if s.Namespaces[svc.namespace].Mesh || svc.Workload == "VM" {
			out[svc.name] = svc.path
		}
	}
	return out
}

// consulServices are the services, the gateways of clients and what leaves the mesh, which are services to Consul too, with
// their places, by name.
func consulServices(s *site.Site) map[string]string {
	out := meshedServices(s)
	maps.Copy(out, consulLeavingNames(s))
	for name, g := range s.Gateways {
		if g.Purpose != "federation" {
			out[name] = site.Join("gateways", name)
		}
	}
	return out
}

// consulKind is what stands at such a place.
func consulKind(at string) string {
	switch {
	case strings.HasPrefix(at, "gateways."):
		return "gateway"
	case strings.HasPrefix(at, "external."):
		return "destination"
	case strings.HasPrefix(at, "egressGateways."), strings.HasSuffix(at, ".workload"):
		return "terminating gateway"
	}
	return "service"
}

// ConsulPrimary finds a federation of datacenters of which nobody has what holds for all.
var ConsulPrimary = &check.Rule{
	ID: "MG5500", Name: "consul-primary", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `datacenters of Consul are federated without a primary that is one of the sites

One of them keeps the root, the access lists and all configuration, which the others copy by way of its gateways: they have
to know it. Peers have none, and neither has another mesh.
Source: hashicorp/consul-k8s v2.0.3 charts/consul/values.yaml global.federation; Consul, WAN federation through mesh gateways.`,
	Run: func(p *check.Pass) {
		f := p.Site.Federation
		if f == nil || f.Consul == nil {
			return
		}
		const at = "federation.consul"
		primary := f.Consul.Primary
		switch {
		case p.Site.Mesh.Kind != "consul":
			p.Reportf(at, "it says how Consul joins sites, and the mesh is %s", p.Site.Mesh.Kind).Related("mesh.kind", "the mesh").
				Hintf("leave it out")
		case f.Consul.Mode != "wan":
			if primary != "" {
				p.Reportf(at+".primary", "sites are peers, and none is primary").Hintf("mode: \"wan\"")
			}
		case primary == "":
			p.Reportf(at, "datacenters are federated, and which of them is primary is not said").Hintf("primary: %q", slices.Min(append(slices.Collect(maps.Keys(f.Peers)), p.Site.Name)))
		case primary != p.Site.Name && f.Peers[primary] == nil:
			p.Reportf(at+".primary", "the primary is site %q, which is no peer and not this one", primary).Hintf("sites: %s", keys(f.Peers)).Related("federation.peers", "the other sites")
		}
	},
}

// consulChartServices are the Services of the chart in the namespace of the mesh.
var consulChartServices = []string{"consul-connect-injector", "consul-dns", "consul-expose-servers", "consul-mesh-gateway", "consul-server", "consul-ui"}

// ConsulAwayName finds a service of another datacenter that has the name of something else.
var ConsulAwayName = &check.Rule{
	ID: "MG5501", Name: "consul-away-name", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service of another datacenter has the name of something else

Of a service or gateway here, of what leaves the mesh, of a service of a third site, or of a Service of Consul's chart. In a federation names of services are one for all datacenters: intentions, routes and certificates of one hold for the other,
and callers find but one of them.
Source: hashicorp/consul agent/xds/rbac.go makeSpiffePattern; agent/structs/config_entry.go; hashicorp/consul-k8s v2.0.3
charts/consul/templates.`,
	Run: func(p *check.Pass) {
		if !isDatacenter(p.Site) {
			return
		}
		here := consulServices(p.Site)
		first := map[string]struct{ name, at string }{}
		look := func(ref, at string) {
			peer, rest, away := strings.Cut(ref, ":")
			if !away || p.Site.Federation.Peers[peer] == nil {
				return
			}
			_, name, _ := strings.Cut(rest, "/")
			other, seen := first[name]
			switch {
			case here[name] != "":
				p.Reportf(at, "%s has the name of a %s here: in a federation of datacenters they are one", ref, consulKind(here[name])).Hintf("another name for one of the two").Related(here[name], "the %s here", consulKind(here[name]))
			case seen && other.name != ref:
				p.Reportf(at, "%s has the name of %s: in a federation of datacenters they are one", ref, other.name).Hintf("another name for one of the two").Related(other.at, "the other one")
			case slices.Contains(consulChartServices, name):
				p.Reportf(at, "%s has the name of a Service of Consul's chart, and would be known in its namespace", ref).Hintf("another name for the service, at site %s as well", peer)
			case !seen:
				first[name] = struct{ name, at string }{ref, at}
			}
		}
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				look(c, s.path+".calls."+site.Index(i))
			}
			for i, a := range s.Allow {
				for j, c := range a.From {
					look(c, s.path+".allow."+site.Index(i)+".from."+site.Index(j))
				}
			}
		}
	},
}

// consulMakesWays is the first release of Consul whose controller makes the pods of a terminating gateway, with the policy and
// the role by which they log in (hashicorp/consul-k8s v2.0.0 control-plane/controllers/configentries/
// terminatinggateway_controller.go, which v1.9.11 does not have; read 2026-11-22).
const consulMakesWays = "2.0.0"

// ConsulDatacenter finds ways out of a datacenter that nobody makes.
var ConsulDatacenter = &check.Rule{
	ID: "MG5502", Name: "consul-datacenter", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a way out of the mesh, or to machines, of a secondary datacenter has no rights in its release

The chart's job gives the role of a terminating gateway the name of the datacenter for its end, and the controller looks for
one without it, to which it adds what the gateway stands for. Before 2.0 it finds none, and nothing leaves. From 2.0 on it makes
role and pods itself, in this order.
Source: hashicorp/consul-k8s v2.0.3 subcommand/server-acl-init/create_or_update.go addRoleAndBindingRule,
controllers/configentries/terminatinggateway_controller.go ensureTerminatingGatewayACLBootstrap; v1.9.11, updateACls.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !isDatacenter(s) || s.Federation.Consul.Primary == s.Name || profile.CompareVersions(s.Mesh.Version, consulMakesWays) >= 0 {
			return
		}
		report := func(at, what string, args ...any) {
			p.Reportf(at, what+" has no rights in a secondary datacenter of Consul %s", append(args, s.Mesh.Version)...).
				Hintf("mesh: version: %q, or federation: consul: mode: \"peering\"", "2.0.3").Related("mesh.version", "the release").Related("federation.consul", "the federation")
		}
		for sn := range services(s) {
			if len(sn.Egress) > 0 && s.Namespaces[sn.namespace].Mesh && sn.Workload != "VM" && consulClosed(s) {
				report(sn.path+".egress", "the gateway by which %s leaves the mesh", sn.full())
			}
			if sn.Workload == "VM" {
				report(sn.path+".workload", "the gateway to the machines of %s", sn.full())
			}
		}
	},
}

// eachDatacenter calls f for each pair of sites of a fleet of which one names the other as a datacenter of its federation.
func eachDatacenter(p *check.Pass, f func(n, other int, name string, peer *site.Peer)) {
	eachPeer(p, func(n, other int, name string, peer *site.Peer) {
		if isDatacenter(p.Fleet[n]) {
			f(n, other, name, peer)
		}
	})
}

// ConsulFederationDiffers finds sites that are joined differently by each.
var ConsulFederationDiffers = &check.Rule{
	ID: "MG5503", Name: "consul-federation-differs", Severity: diag.Error, On: check.OnFleet,
	Doc: `two sites say of each other differently how Consul joins them

Access lists and configuration have one home. Servers that copy from different ones, or from none, know nothing of each other.
Source: hashicorp/consul-k8s v2.0.3 charts/consul/values.yaml global.federation.primaryDatacenter.`,
	Run: func(p *check.Pass) {
		eachDatacenter(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			switch {
			case there.Mesh.Kind != "consul" || there.Federation == nil || there.Federation.Peers[here.Name] == nil: // another rule's
			case !isDatacenter(there):
				p.ReportIn(n, "federation.consul", "this site is a datacenter of a federation, and site %s takes it for a peer", name).Hintf("mode: \"wan\" at both sites, or \"peering\" at both").RelatedIn(other, "federation", "the federation there")
			case here.Federation.Consul.Primary != there.Federation.Consul.Primary && n < other:
				p.ReportIn(n, "federation.consul.primary", "the primary is %q here and %q in site %s", here.Federation.Consul.Primary, there.Federation.Consul.Primary, name).Hintf("the same primary at both sites").
					RelatedIn(other, "federation.consul.primary", "the primary there")
			}
		})
	},
}

// ConsulSharedName finds two services that are one to a federation.
var ConsulSharedName = &check.Rule{
	ID: "MG5504", Name: "consul-shared-name", Severity: diag.Error, On: check.OnFleet,
	Doc: `two datacenters of a federation have services, gateways or destinations outside of one name

Names are one for all datacenters: who may call the one may call the other, with its certificate, and each site's controller
finds what the other has written for it.
Source: hashicorp/consul agent/xds/rbac.go makeSpiffePattern (any datacenter); hashicorp/consul-k8s v2.0.3
control-plane/controllers/configentries/configentry_controller.go sourceDatacenterMismatchErr.`,
	Run: func(p *check.Pass) {
		first := map[string]int{}
		for n, s := range p.Fleet {
			if !isDatacenter(s) {
				continue
			}
			for name, at := range byKey(consulServices(s)) {
				key := s.Federation.Consul.Primary + "/" + name
				if other, ok := first[key]; ok {
					there := consulServices(p.Fleet[other])[name]
					p.ReportIn(n, at, "%s %q is in site %s too, and both are datacenters of one federation", consulKind(at), name, p.Fleet[other].Name).Hintf("another name for one of the two").
						RelatedIn(other, there, "the %s there", consulKind(there))
					continue
				}
				first[key] = n
			}
		}
	},
}

// ConsulForAll finds settings that a site makes and another one decides.
var ConsulForAll = &check.Rule{
	ID: "MG5505", Name: "consul-for-all", Severity: diag.Error, On: check.OnFleet,
	Doc: `a secondary datacenter sets for its proxies something else than the primary, which decides for all

ProxyDefaults and Mesh are one for all datacenters, and are written from the primary's site alone: what another site says has
no effect.
Source: Consul, ProxyDefaults (global) and Mesh (mesh); hashicorp/consul-k8s v2.0.3
control-plane/controllers/configentries/configentry_controller.go sourceDatacenterMismatchErr.`,
	Run: func(p *check.Pass) {
		tracingOf := func(s *site.Site) string {
			if t := s.Observability.Tracing; t != nil {
				return fmt.Sprintf("tracing of %v percent to %s", t.SamplingPercent, t.OTLP)
			}
			return "no tracing"
		}
		eachDatacenter(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if name != here.Federation.Consul.Primary || there.Mesh.Kind != "consul" {
				return
			}
			differs := func(at, mine, theirs string) {
				p.ReportIn(n, at, "it is %s here and %s in site %s, which decides for all datacenters", mine, theirs, name).Hintf("write %s here as well", theirs).RelatedIn(other, at, "what is said there")
			}
			if a, b := here.Mesh.EgressPolicy, there.Mesh.EgressPolicy; a != b {
				differs("mesh.egressPolicy", a, b)
			}
			if a, b := here.Observability.AccessLogs, there.Observability.AccessLogs; (a == "all") != (b == "all") {
				differs("observability.accessLogs", a, b)
			}
			if a, b := tracingOf(here), tracingOf(there); a != b {
				differs("observability", a, b)
			}
		})
	},
}

// ConsulUnreached finds datacenters whose servers do not find each other.
var ConsulUnreached = &check.Rule{
	ID: "MG5506", Name: "consul-unreached", Severity: diag.Error, On: check.OnFleet,
	Doc: `the gateway of a datacenter turns away the nodes of another one, whose servers come in there

Servers of a federation speak to each other all the time, by way of the mesh gateways and with the addresses of nodes, also
where no service calls another: without it a secondary does not start.
Source: hashicorp/consul agent/consul/gateway_locator.go; hashicorp/consul-k8s v2.0.3 charts/consul/values.yaml
global.federation.primaryGateways.`,
	Run: func(p *check.Pass) {
		eachDatacenter(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if there.Federation == nil || callsSite(here, name) { // federation-unreached speaks of those that call
				return
			}
			reportTurnedAway(p, n, other, "servers of site %s come in here, and its node %s is outside of these networks")
		})
	},
}

// ConsulAPIUnreached finds an API server that another datacenter cannot ask.
var ConsulAPIUnreached = &check.Rule{
	ID: "MG5507", Name: "consul-api-unreached", Severity: diag.Error, On: check.OnSite,
	Doc: `the primary's servers cannot reach the API server of this datacenter

They ask it who logs in: gateways and injector of a secondary write to the primary, and do not start before it lets them in.
Source: hashicorp/consul-k8s v2.0.3 charts/consul/values.yaml global.federation.k8sAuthMethodHost,
control-plane/subcommand/server-acl-init configureGlobalComponentAuthMethod.`,
	Run: func(p *check.Pass) {
		if !isDatacenter(p.Site) || p.Site.Federation.Consul.Primary == p.Site.Name {
			return
		}
		api := p.Site.Kubernetes.APIServer.Address
		if a, err := netip.ParseAddr(api); err == nil && (a.IsLoopback() || a.IsLinkLocalUnicast()) {
			p.Reportf("kubernetes.apiServer.address", "site %s asks the API server who logs in, and %s is found from this machine alone", p.Site.Federation.Consul.Primary, api).Hintf("address: one of the control-plane nodes, or one that moves between them").
				Related("federation.consul.primary", "the primary")
		}
	},
}
