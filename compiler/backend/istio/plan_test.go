package istio

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/ir"
)

// testPlan is a plan made by hand: a gateway of each kind of TLS, a service with every intent, callers with and without
// identity, destinations outside known by name and by address. frontend is that of the first gateway.
func testPlan(frontend string) *ir.Plan {
	web := ir.Service{Namespace: "shop", Name: "web", Host: "web.shop.svc.cluster.local", Identity: "td.test/ns/shop/sa/web",
		Labels: labels("web"), Meshed: true, Ports: []ir.Port{port("http", 80, 8080, "http")}, From: ir.From{"namespaces.shop.services.web"}}
	api := ir.Service{Namespace: "pay", Name: "api", Host: "api.pay.svc.cluster.local", Identity: "td.test/ns/pay/sa/payer",
		Labels: labels("api"), Meshed: true, Ports: []ir.Port{port("http", 8080, 8080, "http")}, From: ir.From{"namespaces.pay.services.api"},
		Timeout: &ir.Duration{Text: "5s", From: ir.From{"namespaces.pay.services.api.timeout"}},
		Retries: &ir.Retries{Attempts: 2, PerTryTimeout: "1s", On: []string{"connect-failure", "refused-stream"}, Methods: []string{"GET", "HEAD"},
			From: ir.From{"namespaces.pay.services.api.retries"}},
		Outlier: &ir.Outlier{Consecutive5xx: 5, Interval: "10s", BaseEjectionTime: "30s", MaxEjectionPercent: 50,
			From: ir.From{"namespaces.pay.services.api.outlierDetection"}},
		Externals: []string{"cards"}}
	next := ir.Service{Namespace: "pay", Name: "api-next", Host: "api-next.pay.svc.cluster.local", Identity: "td.test/ns/pay/sa/api-next",
		Labels: labels("api-next"), Meshed: true, Ports: api.Ports, From: ir.From{"namespaces.pay.services.api-next"}}
	api.Split = []ir.Weighted{
		{Namespace: "pay", Name: "api", Host: api.Host, Weight: 90, From: ir.From{"namespaces.pay.services.api.split.0"}},
		{Namespace: "pay", Name: "api-next", Host: next.Host, Weight: 10, From: ir.From{"namespaces.pay.services.api.split.1"}},
	}
	store := ir.Service{Namespace: "pay", Name: "store", Host: "store.pay.svc.cluster.local", Labels: labels("store"), Meshed: true, Headless: true,
		Ports: []ir.Port{port("pg", 5432, 5432, "tcp"), port("admin", 9000, 9000, "http")}, From: ir.From{"namespaces.pay.services.store"}}
	inbox := ir.Service{Namespace: "old", Name: "inbox", Host: "inbox.old.svc.cluster.local", Labels: labels("inbox"), Meshed: true, Permissive: true,
		Ports: []ir.Port{port("http", 8080, 8080, "http")}, Externals: []string{"vault"}, From: ir.From{"namespaces.old.services.inbox"}}
	poller := ir.Service{Namespace: "plant", Name: "poller", Labels: labels("poller"), From: ir.From{"namespaces.plant.services.poller"}}

	web.Exposes = []ir.Expose{expose("public", "https", "www.test", ir.Path{Value: "/"}, web)}
	web.Callers = []ir.Caller{gatewayCaller("public", "www.test", nil, web)}
	web.Callees = []ir.Callee{callee(api, "calls"), callee(next, "split")}
	api.Exposes = []ir.Expose{expose("partner", "https", "api.test", ir.Path{Value: "/v1"}, api), expose("partner", "https", "api.test", ir.Path{Value: "/v1/status", Exact: true}, api)}
	api.Callers = []ir.Caller{gatewayCaller("partner", "api.test", []ir.Path{{Value: "/v1"}}, api), caller(web, api, "calls")}
	api.Callees = []ir.Callee{callee(store, "calls")}
	next.Callers = []ir.Caller{caller(web, next, "split")}
	store.Callers = []ir.Caller{caller(api, store, "allow"), caller(next, store, "allow")}
	store.Callers[1].Methods, store.Callers[1].Paths = []string{"GET"}, []ir.Path{{Value: "/dump", Exact: true}}
	inbox.Callers = []ir.Caller{caller(poller, inbox, "calls")}
	poller.Callees = []ir.Callee{callee(inbox, "calls")}

	return &ir.Plan{
		Name: "one", From: ir.From{"apiVersion", "name"},
		Cluster: ir.Cluster{Minor: "1.35", Domain: "cluster.local", PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.64.0.0/14")},
			From: ir.From{"kubernetes.version", "kubernetes.clusterDomain", "kubernetes.podCIDRs"}},
		Mesh: ir.Mesh{Kind: "istio-sidecar", Version: "1.31.1", Revision: "1-31-1", Namespace: "istio-system", ImageHub: "registry.test/istio",
			TrustDomain: "td.test", Strict: true, Replicas: 3, RegistryOnly: true, NativeSidecars: true, AccessLogs: "errors",
			AccessLogsFrom: ir.From{"observability.accessLogs"},
			Proxy:          ir.Resources{CPURequest: "100m", CPULimit: "2", MemoryRequest: "128Mi", From: ir.From{"mesh.proxy.resources"}},
			Tracing: &ir.Tracing{Namespace: "watch", Service: "otel", Host: "otel.watch.svc.cluster.local", Port: 4317, SamplingPercent: 0.5,
				From: ir.From{"observability.tracing.otlp", "observability.tracing.samplingPercent"}},
			From: ir.From{"mesh.kind", "mesh.version", "mesh.revision", "mesh.trustDomain", "mesh.mtls", "mesh.controlPlane.replicas", "mesh.egressPolicy"}},
		Namespaces: []ir.Namespace{
			{Name: "gateway-partner", Purpose: "gateway"}, {Name: "gateway-public", Purpose: "gateway"}, {Name: "istio-system", Purpose: "mesh"},
			{Name: "old", Purpose: "services", Meshed: true, Permissive: true, From: ir.From{"namespaces.old.mtls"}},
			{Name: "pay", Purpose: "services", Meshed: true, From: ir.From{"namespaces.pay.mtls"}},
			{Name: "plant", Purpose: "services", From: ir.From{"namespaces.plant.mesh"}},
			{Name: "shop", Purpose: "services", Meshed: true, From: ir.From{"namespaces.shop.mtls"}},
		},
		Gateways: []ir.Gateway{partnerGateway(), publicGateway(frontend)},
		Services: []ir.Service{inbox, api, next, store, poller, web},
		Externals: []ir.External{
			{Name: "cards", Hosts: []string{"acquirer.test"}, Ports: []ir.Port{port("tls", 443, 443, "tls")}, From: ir.From{"external.cards"},
				Users: []ir.ExternalUser{{Namespace: "pay", Name: "api", From: ir.From{"namespaces.pay.services.api.egress.0"}}}},
			{Name: "vault", Addresses: []netip.Prefix{netip.MustParsePrefix("10.9.0.15/32")}, Ports: []ir.Port{port("db", 1521, 1521, "tcp")},
				From:  ir.From{"external.vault"},
				Users: []ir.ExternalUser{{Namespace: "old", Name: "inbox", From: ir.From{"namespaces.old.services.inbox.egress.0"}}}},
		},
		Releases: []ir.Release{
			{Name: "istio-base", Component: "istio", Chart: "base", From: ir.From{"mesh.version"}},
			{Name: "istiod", Component: "istio", Chart: "istiod", From: ir.From{"mesh.version"}},
			{Name: "istio-cni", Component: "istio", Chart: "cni", From: ir.From{"mesh.version"}},
			{Name: "gateway-partner", Component: "istio", Chart: "gateway", Gateway: "partner", From: ir.From{"mesh.version"}},
			{Name: "other", Component: "metallb", Chart: "metallb"},
		},
	}
}

func publicGateway(frontend string) ir.Gateway {
	g := ir.Gateway{Name: "public", Namespace: "gateway-public", Release: "public-istio", Frontend: frontend,
		VIPs: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, Replicas: 3, Class: "edge", Racks: []string{"a", "b", "c"}, SpreadKey: "meshgen.dev/rack",
		Tolerations: []ir.Taint{{Key: "dedicated", Value: "edge", Effect: "NoSchedule"}}, Local: true, LBClass: "lb.test/class",
		Annotations: []ir.KV{{Key: "metallb.io/loadBalancerIPs", Value: "192.0.2.10"}},
		Selector:    []ir.KV{{Key: "gateway.networking.k8s.io/gateway-name", Value: "public"}}, ServiceAccount: "public-istio",
		Resources:  ir.Resources{CPURequest: "100m", MemoryRequest: "128Mi", MemoryLimit: "1Gi"},
		PodSysctls: gatewaySysctls("public"),
		Listeners: []ir.Listener{
			{Name: "http", Port: 80, Protocol: "http", Redirect: true, From: ir.From{"gateways.public.listeners.http"}},
			{Name: "https", Port: 443, Protocol: "https", From: ir.From{"gateways.public.listeners.https"},
				TLS: &ir.TLS{Mode: "terminate", Secret: "public-https-tls", Issuer: "corporate", From: ir.From{"gateways.public.listeners.https.tls"}}},
		},
		From: ir.From{"gateways.public.replicas", "gateways.public.addresses"},
	}
	for i := range g.Listeners {
		g.Listeners[i].Hosts = []ir.ListenerHost{{Host: "www.test", Namespaces: []string{"shop"}, From: ir.From{"namespaces.shop.services.web.expose.0.host"}}}
	}
	if frontend == ir.FrontendIstio {
		g.Release, g.ServiceAccount = "gateway-public", "gateway-public"
		g.Selector = []ir.KV{{Key: "istio", Value: "gateway-public"}}
	} else {
		g.APIClass, g.Parameters = "istio", ir.ObjectRef{Kind: "ConfigMap", Name: "public-parameters"}
		g.Labels = []ir.KV{{Key: "istio.io/rev", Value: "1-31-1"}}
	}
	return g
}

func partnerGateway() ir.Gateway {
	return ir.Gateway{Name: "partner", Namespace: "gateway-partner", Release: "gateway-partner", Frontend: ir.FrontendIstio,
		VIPs: []netip.Addr{netip.MustParseAddr("192.0.2.20")}, Replicas: 2, Class: "edge", Racks: []string{"a", "b"}, SpreadKey: "meshgen.dev/rack", Local: true,
		LBClass: "lb.test/class", SourceRanges: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/25")},
		Annotations: []ir.KV{{Key: "metallb.io/loadBalancerIPs", Value: "192.0.2.20"}},
		Selector:    []ir.KV{{Key: "istio", Value: "gateway-partner"}}, ServiceAccount: "gateway-partner",
		PodSysctls: gatewaySysctls("partner"),
		Listeners: []ir.Listener{{Name: "https", Port: 8443, Protocol: "https", From: ir.From{"gateways.partner.listeners.https"},
			TLS:   &ir.TLS{Mode: "mutual", Secret: "partners", ClientCA: "partners-ca", From: ir.From{"gateways.partner.listeners.https.tls"}},
			Hosts: []ir.ListenerHost{{Host: "api.test", Namespaces: []string{"pay"}, From: ir.From{"namespaces.pay.services.api.expose.0.host"}}}}},
		From: ir.From{"gateways.partner.replicas", "gateways.partner.sourceRanges"},
	}
}

func gatewaySysctls(name string) []ir.Sysctl {
	return []ir.Sysctl{{Key: "net.ipv4.ip_unprivileged_port_start", Value: "0", Reason: "low ports without a capability",
		Why: "pod/unprivileged-ports", From: ir.From{"gateways." + name}}}
}

func labels(name string) []ir.KV { return []ir.KV{{Key: "app.kubernetes.io/name", Value: name}} }

func port(name string, number, target uint16, protocol string) ir.Port {
	return ir.Port{Name: name, Port: number, TargetPort: target, Protocol: protocol}
}

func expose(gateway, listener, host string, path ir.Path, s ir.Service) ir.Expose {
	return ir.Expose{Gateway: gateway, Listeners: []string{listener}, Host: host, Path: path, Port: s.Ports[0], From: ir.From{s.From[0] + ".expose.0"}}
}

func caller(from, to ir.Service, why string) ir.Caller {
	return ir.Caller{Kind: "service", Namespace: from.Namespace, Name: from.Name, Identity: from.Identity, Labels: from.Labels, Ports: to.Ports, Why: why,
		From: ir.From{from.From[0] + ".calls.0"}}
}

func gatewayCaller(name, host string, paths []ir.Path, to ir.Service) ir.Caller {
	return ir.Caller{Kind: "gateway", Namespace: "gateway-" + name, Name: name, Identity: "td.test/ns/gateway-" + name + "/sa/gateway-" + name,
		Ports: to.Ports, Paths: paths, Hosts: []string{host}, Why: "expose", From: ir.From{to.From[0] + ".expose.0"}}
}

func callee(s ir.Service, why string) ir.Callee {
	return ir.Callee{Namespace: s.Namespace, Name: s.Name, Host: s.Host, Labels: s.Labels, Ports: s.Ports, Why: why, From: s.From}
}
