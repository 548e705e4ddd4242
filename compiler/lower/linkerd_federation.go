package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Names and ports of Linkerd's extension for several clusters (linkerd/linkerd2 edge-26.6.3, multicluster/charts and
// multicluster/cmd/link-gen.go, read 2026-11-21). They are the same at every site: a peer is known by its addresses and its
// trust domain, and the rest follows.
const (
	linkerdMulticluster = "linkerd-multicluster" // chart and namespace
	linkerdGateway      = "linkerd-gateway"      // Deployment, Service and ServiceAccount
	linkerdGatewayPort  = 4143
)

// linkerdCrossing: callers' proxies connect to the gateway of the callee's site, which reads in the transport header which
// service is meant, and which identity it is that asks (linkerd2-proxy linkerd/app/inbound/src/direct.rs and
// linkerd/app/gateway; read 2026-11-21). Behind it the service sees the gateway's identity and not the caller's. Requests
// are told apart by route there; of connections it can only be said who may open one at all, whatever it is for.
var linkerdCrossing = crossing{
	port: linkerdGatewayPort, secret: "cluster-credentials-", secrets: (*lowering).linkerdLinkSecrets, requests: true,
	host: func(l *lowering, peer, namespace, service string) string {
		return service + "-" + peer + "." + namespace + ".svc." + l.p.Cluster.Domain
	},
	listeners: func(l *lowering) []ir.Listener {
		from := ir.From{"federation"}
		return []ir.Listener{
			{Name: "mc-gateway", Port: linkerdGatewayPort, Protocol: "tcp", From: from},
			{Name: "mc-probe", Port: l.p.Mesh.ProxyPorts.EnvoyMetrics, Protocol: "tcp", From: from},
		}
	},
	flows: (*lowering).linkerdLinkFlows,
}

// linkerdFederatedGateway gives the gateway the names by which other sites know it. They are not those of the chart's
// own: that one admits every certificate of every site to everything behind it, by a policy that no value takes away.
func linkerdFederatedGateway(l *lowering, g *ir.Gateway) {
	if !l.p.CrossesSites(g) {
		return
	}
	g.Namespace, g.Release, g.ServiceAccount = linkerdMulticluster, linkerdGateway, linkerdGateway
	g.Selector = []ir.KV{{Key: "app", Value: linkerdGateway}}
	g.PodSysctls = nil // the proxy binds no port below 1024
	g.Image = linkerdPause
}

// linkerdPause is the container beside the gateway's proxy, which does nothing: that of the chart (gateway.pauseImage).
const linkerdPause = "registry.k8s.io/pause:3.2"

// linkerdFederation links the site with its peers, and says who of them gets through the gateway to what.
func (l *lowering) linkerdFederation() {
	f, k := l.p.Federation, l.p.Linkerd
	if f == nil {
		return
	}
	k.Controllers, k.ControllerMetrics, k.PeerAPIPort = ir.KV{Key: "linkerd.io/extension", Value: "multicluster"}, 9999, peerAPIPort
	if f.Flat {
		l.linkerdFlatLinks()
		return
	}
	g := l.gateway(f.Gateway)
	for _, p := range f.Peers {
		link := ir.LinkerdLink{Namespace: g.Namespace, Name: p.Name, Domain: l.p.Cluster.Domain, Control: l.p.Mesh.Namespace, Secret: p.Secret,
			Addresses: p.Gateways, Port: f.Port, Identity: LinkerdIdentity(l.p.Mesh.Namespace, linkerdGateway, linkerdMulticluster, p.TrustDomain),
			ProbePort: l.p.Mesh.ProxyPorts.EnvoyMetrics, Account: linkerdMulticluster + "-reader-" + p.Name,
			From: slices.Concat(p.From, l.p.Cluster.From.Of("clusterDomain"), l.p.Mesh.From.Of("kind"))}
		k.Links = append(k.Links, link)
	}
	k.GatewayIdentity = LinkerdIdentity(l.p.Mesh.Namespace, linkerdGateway, linkerdMulticluster, l.p.Mesh.TrustDomain)
	l.linkerdGatewayPolicy(g)
	l.linkerdGatewayProbes(g)
}

// linkerdGatewayPolicy: what a peer's service may ask of one of ours is decided here, by its certificate and the name that
// its proxy asks for; the service itself admits the gateway to what all of them may ask together.
func (l *lowering) linkerdGatewayPolicy(g *ir.Gateway) {
	k, name := l.p.Linkerd, linkerdGateway
	from := append(slices.Clone(g.From), "federation", "namespaces")
	k.Servers = append(k.Servers, ir.LinkerdServer{Namespace: g.Namespace, Name: name, Selector: g.Selector, Port: linkerdGatewayPort, Protocol: "unknown", Access: linkerdDeny, From: from,
		Reason: "Where callers of other sites come in. What a transport header names is looked for in the routes below."})
	for i := range l.p.Services {
		s := &l.p.Services[i]
		var callers []permit
		for _, c := range s.Peers {
			callers = append(callers, permit{account: ir.LinkerdAccount{Identity: LinkerdIdentity(l.p.Mesh.Namespace, c.ServiceAccount, c.Namespace, l.p.Federation.Peer(c.Peer).TrustDomain)},
				paths: c.Paths, methods: c.Methods, hosts: []string{s.Host}})
		}
		if len(callers) > 0 {
			door := &ir.Service{Namespace: g.Namespace, Name: name}
			l.linkerdServerRoutes(door, &ir.Port{TargetPort: linkerdGatewayPort}, name, s.Name+"-"+s.Namespace, nil, callers, slices.Concat(s.EdgesFrom, g.From.Of("kind"), ir.From{"federation"}))
		}
	}
}

// linkerdGatewayProbes admits who watches the gateway: the scraper, and the controllers of other sites, which take a peer's
// services away while its gateway does not answer. They read metrics there as well: it is one port.
func (l *lowering) linkerdGatewayProbes(g *ir.Gateway) {
	k, name := l.p.Linkerd, linkerdGateway+"-admin"
	from := append(slices.Clone(g.From), "federation")
	k.Servers = append(k.Servers, ir.LinkerdServer{Namespace: g.Namespace, Name: name, Selector: g.Selector, Port: l.p.Mesh.ProxyPorts.EnvoyMetrics, Protocol: "HTTP/1", Access: linkerdDeny, From: from,
		Reason: "Readiness and metrics of the gateway's proxy. Kubelets' probes are admitted by the mesh itself."})
	target := ir.LinkerdTarget{Group: linkerdPolicy, Kind: "Server", Name: name}
	var peers []ir.LinkerdAccount
	for _, p := range l.p.Federation.Peers {
		peers = append(peers, ir.LinkerdAccount{Identity: LinkerdIdentity(l.p.Mesh.Namespace, LinkerdController(l.p.Name), linkerdMulticluster, p.TrustDomain)})
	}
	l.grant(ir.LinkerdGrant{Namespace: g.Namespace, Name: name, Target: target, Accounts: peers, From: append(slices.Clone(from), "name"),
		Reason: "The controllers of other sites, each of which asks every few seconds whether the gateway is ready."})
	if scraper := l.p.Scraper; scraper != nil {
		l.scraperGrant(g.Namespace, linkerdGateway+"-scraper", target, append(slices.Clone(from), scraper.From...))
		l.controllerMetrics(g.Namespace, append(slices.Clone(from), scraper.From...))
	}
}

// controllerMetrics admits the scraper to the controllers of other sites. The chart has a Server for that, and admits an
// account of another extension alone.
func (l *lowering) controllerMetrics(namespace string, from ir.From) {
	l.scraperGrant(namespace, "controller-metrics", ir.LinkerdTarget{Group: linkerdPolicy, Kind: "Server", Name: "controller"}, from)
}

// linkSecretType is that of Secrets by which other sites are read.
const linkSecretType = "mirror.linkerd.io/remote-kubeconfig"

// linkerdLinkSecrets are the credentials by which the controller of a peer reads its API server.
func (l *lowering) linkerdLinkSecrets() {
	for i := range l.p.Linkerd.Links {
		k := &l.p.Linkerd.Links[i]
		flags := ""
		if k.Flat {
			flags = " --gateway=false"
		}
		l.secret(ir.Secret{Namespace: k.Namespace, Name: k.Secret, Type: linkSecretType, Keys: []string{"kubeconfig"}, Late: true,
			Consumers: []string{"Deployment " + k.Namespace + "/controller-" + k.Name},
			Why: "Configuration of kubectl for site " + k.Name + ", ServiceAccount " + linkerdMulticluster + "-reader-" + l.p.Name + ": of what \"linkerd multicluster link-gen --cluster-name " + k.Name +
				" --service-account-name " + linkerdMulticluster + "-reader-" + l.p.Name + flags + "\" prints there, the Secret of this name and namespace. Without it no service of that site is known here; the rest of this site does not wait for it.",
			From: slices.Concat(k.From, ir.From{"name"})})
	}
}

// linkerdLinkFlows: controllers read the API servers of the other sites, and ask whether their gateways are ready.
func (l *lowering) linkerdLinkFlows(reads ir.From) {
	l.apiServerFlows(reads)
	for _, p := range l.p.Federation.Peers {
		source := l.allNodes()
		source.Name, source.Nodes = "controllers of the mesh", nil
		l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: ir.FlowEnd{Name: "gateway of site " + p.Name, Addresses: ir.Blocks(p.Gateways)},
			Protocol: "tcp", Port: l.p.Mesh.ProxyPorts.EnvoyMetrics, Why: "whether the gateway is ready", Note: translated}, reads, p.From)
	}
}

// linkerdGatewayRules watch the gateways of other sites, by what the controllers count (multicluster/service-mirror/metrics.go).
func (l *lowering) linkerdGatewayRules() []ir.Rule {
	switch {
	case l.p.Federation == nil:
		return nil
	case l.p.Federation.Flat:
		return l.linkerdFlatRules()
	}
	return []ir.Rule{{Alert: "PeerGatewayUnreachable", Severity: critical, For: "5m", From: append(slices.Clone(l.p.Mesh.From.Of("kind")), "federation"),
		Expr:        "gateway_alive == 0",
		Summary:     "The gateway of site {{ $labels.target_cluster_name }} does not answer.",
		Description: "Its services are taken away here: calls to them find no endpoint."}}
}

// linkerdGatewayImage takes the image of the gateway's pods from the site's registry.
func (l *lowering) linkerdGatewayImage() {
	if l.p.Federation == nil || l.p.Linkerd == nil || l.p.Federation.Flat {
		return
	}
	g := l.gateway(l.p.Federation.Gateway)
	g.PullSecret = l.s.Registry.PullSecret
	l.copyOf("images", linkerdPause, l.image(linkerdPause), "")
	g.Image = l.image(linkerdPause)
	l.pullSecret(g.Namespace, "Deployment "+g.Namespace+"/"+g.Release)
	l.pullSecret(g.Namespace, "ServiceAccount "+g.Namespace+"/"+g.ServiceAccount)
}
