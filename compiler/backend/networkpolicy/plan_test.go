package networkpolicy

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/ir"
)

// testPlan is a plan made by hand: shop/web is exposed and calls pay/api and old/inbox, plant/poller (outside the mesh)
// calls old/inbox, and pay/api reaches a destination known by name, old/inbox one known by address.
func testPlan() *ir.Plan {
	web := newService("shop", "web", true, servicePort("http", 80, 8080, "http"))
	web.Health = &ir.Health{Port: 8081, Path: "/ready", From: ir.From{"namespaces.shop.services.web.health"}}
	api := newService("pay", "api", true, servicePort("http", 8080, 8080, "http"), servicePort("stats", 8125, 8125, "udp"))
	api.Externals = []string{"cards"}
	inbox := newService("old", "inbox", true, servicePort("http", 8080, 8080, "http"))
	inbox.Externals = []string{"vault"}
	poller := newService("plant", "poller", false, servicePort("http", 7000, 7000, "http"))
	poller.Health = &ir.Health{Port: 7001, Path: "/live", From: ir.From{"namespaces.plant.services.poller.health"}}

	web.Callers = []ir.Caller{{Kind: "gateway", Namespace: "gateway-public", Name: "public", Labels: gatewayLabels, Ports: web.Ports, Why: "expose",
		From: ir.From{"namespaces.shop.services.web.expose.0"}}}
	call(&web, &api)
	call(&web, &inbox)
	call(&poller, &inbox)

	return &ir.Plan{
		Name: "one", From: ir.From{"name"},
		Cluster: ir.Cluster{
			PodCIDRs: prefixes("10.64.0.0/14"), ServiceCIDRs: prefixes("10.32.0.0/16"), NodeSubnets: prefixes("10.1.1.0/24", "10.1.2.0/24"),
			NodeSubnetsFrom: ir.From{"racks.a.subnets", "racks.b.subnets"},
			APIServers:      []netip.AddrPort{netip.MustParseAddrPort("10.1.0.5:6443"), netip.MustParseAddrPort("10.1.1.10:6443"), netip.MustParseAddrPort("10.1.1.10:6443")},
			APIServerFrom:   ir.From{"kubernetes.apiServer"}, From: ir.From{"kubernetes.podCIDRs", "kubernetes.serviceCIDRs"}},
		Mesh: ir.Mesh{Kind: "istio-sidecar", Namespace: "istio-system", From: ir.From{"mesh.kind"},
			ProxyPorts: ir.ProxyPorts{Metrics: 15020, EnvoyMetrics: 15090, Health: 15021, Control: 15012},
			Tracing:    &ir.Tracing{Namespace: "watch", Port: 4317, From: ir.From{"observability.tracing"}}},
		Namespaces: []ir.Namespace{
			{Name: "gateway-public", Purpose: "gateway"}, {Name: "istio-system", Purpose: "mesh"},
			{Name: "old", Purpose: "services", Meshed: true}, {Name: "pay", Purpose: "services", Meshed: true},
			{Name: "plant", Purpose: "services"}, {Name: "shop", Purpose: "services", Meshed: true},
		},
		Gateways: []ir.Gateway{{Name: "public", Namespace: "gateway-public", Selector: gatewayLabels, SourceRanges: prefixes("198.51.100.0/25"),
			Listeners: []ir.Listener{{Name: "http", Port: 80}, {Name: "https", Port: 443, From: ir.From{"gateways.public.listeners.https"}}},
			From:      ir.From{"gateways.public.sourceRanges"}}},
		Services: []ir.Service{inbox, api, poller, web},
		Externals: []ir.External{
			{Name: "cards", Hosts: []string{"acquirer.test"}, Ports: []ir.Port{servicePort("tls", 443, 443, "tls")}, From: ir.From{"external.cards"}},
			{Name: "vault", Addresses: prefixes("10.9.0.15/32"), Ports: []ir.Port{servicePort("db", 1521, 1521, "tcp")}, From: ir.From{"external.vault"}},
		},
		Scraper: &ir.Scraper{Namespace: "watch", From: ir.From{"observability.scraper.namespace"}},
	}
}

var gatewayLabels = []ir.KV{{Key: "istio", Value: "gateway-public"}}

func newService(namespace, name string, meshed bool, ports ...ir.Port) ir.Service {
	return ir.Service{Namespace: namespace, Name: name, Meshed: meshed, Ports: ports, Labels: []ir.KV{{Key: "app.kubernetes.io/name", Value: name}},
		From: ir.From{"namespaces." + namespace + ".services." + name}}
}

func servicePort(name string, number, target uint16, protocol string) ir.Port {
	return ir.Port{Name: name, Port: number, TargetPort: target, Protocol: protocol}
}

func call(from, to *ir.Service) {
	to.Callers = append(to.Callers, ir.Caller{Kind: "service", Namespace: from.Namespace, Name: from.Name, Labels: from.Labels, Ports: to.Ports, Why: "calls",
		From: ir.From{from.From[0] + ".calls.0"}})
	from.Callees = append(from.Callees, ir.Callee{Namespace: to.Namespace, Name: to.Name, Labels: to.Labels, Ports: to.Ports, Why: "calls", From: to.From})
}

func prefixes(in ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(in))
	for i, s := range in {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
