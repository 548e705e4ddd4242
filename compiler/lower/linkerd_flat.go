package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Where the addresses of pods are routed between the sites, a proxy connects to a pod of another site as to one of its own.
// The controllers make the names alone; who stands behind one the control plane reads at the other site's API server, by a
// Secret of its own, and with it the trust domain of the certificates there (linkerd/linkerd2 edge-26.6.3
// controller/api/destination/server.go, federated_service_watcher.go, watcher/cluster_store.go; multicluster/cmd/link-gen.go;
// read 2026-11-21).
const (
	remoteDiscovery   = "remote-discovery"
	exportedLabel     = "mirror.linkerd.io/exported"
	federatedLabel    = "mirror.linkerd.io/federated"
	federatedMember   = "member"
	linkCluster       = "multicluster.linkerd.io/cluster-name"
	linkTrustDomain   = "multicluster.linkerd.io/trust-domain"
	linkClusterDomain = "multicluster.linkerd.io/cluster-domain"
)

// linkerdIsFlat reports whether a site is joined with others without gateways.
func linkerdIsFlat(s *site.Site) bool {
	f := s.Federation
	return s.Mesh.Kind == "linkerd" && f != nil && f.Linkerd != nil && f.Linkerd.Mode == "flat"
}

// linkerdFlatCrossing: the callee's proxy sees the caller's own certificate, and filters the address of its pod. Proxies
// carry TCP alone.
var linkerdFlatCrossing = crossing{
	secret: linkerdCrossing.secret, secrets: (*lowering).linkerdFlatSecrets, direct: true,
	host: linkerdCrossing.host, flows: (*lowering).linkerdFlatFlows,
}

// linkerdAway adds to a service of another site on which ports its pods are reached, and the name that stands for it and its
// namesake here.
func (l *lowering) linkerdAway(a *ir.Away) {
	if !linkerdIsFlat(l.s) {
		return
	}
	a.Ports = l.known(*a).Ports
	if n := l.s.Namespaces[a.Namespace]; n != nil && n.Services[a.Name] != nil && n.Services[a.Name].Federated {
		a.Federated = a.Name + "-federated." + a.Namespace + ".svc." + l.p.Cluster.Domain
		a.From = append(a.From, site.Join("namespaces", a.Namespace, "services", a.Name, "federated"))
	}
}

// linkerdLinked are who of other sites reaches a port, by the names in their certificates.
func (l *lowering) linkerdLinked(s *ir.Service, port *ir.Port) []permit {
	var out []permit
	for _, c := range s.Peers {
		if !slices.ContainsFunc(c.Ports, func(p ir.Port) bool { return p.TargetPort == port.TargetPort }) {
			continue
		}
		p := permit{account: ir.LinkerdAccount{Namespace: linkerdMulticluster, Name: linkerdGateway}, paths: c.Paths, methods: c.Methods} // of the gateway that they come through
		if linkerdIsFlat(l.s) {
			if !ir.IsHTTP(port.Protocol) {
				if len(c.Methods) > 0 {
					continue // nothing of a stream is a request
				}
				p.paths = nil
			}
			p.account = ir.LinkerdAccount{Identity: LinkerdIdentity(l.p.Mesh.Namespace, c.ServiceAccount, c.Namespace, l.p.Federation.Peer(c.Peer).TrustDomain), Away: true}
		}
		out = append(out, p)
	}
	return out
}

// linkerdFlatLinks links the site with its peers by the names of their services alone.
func (l *lowering) linkerdFlatLinks() {
	f, k := l.p.Federation, l.p.Linkerd
	for _, p := range f.Peers {
		k.Links = append(k.Links, ir.LinkerdLink{Namespace: linkerdMulticluster, Name: p.Name, Domain: l.p.Cluster.Domain, Control: l.p.Mesh.Namespace, Secret: p.Secret,
			Account: linkerdMulticluster + "-reader-" + p.Name, Flat: true,
			From: slices.Concat(p.From, l.p.Cluster.From.Of("clusterDomain"), l.p.Mesh.From.Of("kind"), ir.From{"federation.linkerd"})})
	}
	if scraper := l.p.Scraper; scraper != nil {
		l.controllerMetrics(linkerdMulticluster, append(slices.Concat(f.From, l.p.Mesh.From.Of("kind")), scraper.From...))
	}
}

// linkerdFlatNamespace is where the controllers of other sites stand.
func (l *lowering) linkerdFlatNamespace() []ir.Namespace {
	if !linkerdIsFlat(l.s) {
		return nil
	}
	n := ir.Namespace{Name: linkerdMulticluster, Owner: l.s.Owner, Purpose: "mesh", PodSecurity: "restricted", Environment: l.s.Environment,
		From: append(slices.Clone(l.p.Federation.From), "owner", "environment", "kubernetes.version")}
	l.meshKind().inject(l, &n)
	return []ir.Namespace{n}
}

// linkerdFlatSecrets: the controllers and the control plane read an API server by two Secrets of one name, each in its own
// namespace; the second is found by its label and says whose certificates pods have there.
func (l *lowering) linkerdFlatSecrets() {
	l.linkerdLinkSecrets()
	for i := range l.p.Linkerd.Links {
		k := &l.p.Linkerd.Links[i]
		l.secret(ir.Secret{Namespace: k.Control, Name: k.Secret, Type: linkSecretType, Keys: []string{"kubeconfig"}, Late: true,
			Labels:      []ir.KV{{Key: linkCluster, Value: k.Name}},
			Annotations: []ir.KV{{Key: linkClusterDomain, Value: k.Domain}, {Key: linkTrustDomain, Value: l.p.Federation.Peer(k.Name).TrustDomain}},
			Consumers:   []string{"Deployment " + k.Control + "/linkerd-destination"},
			Why: "The same configuration of kubectl, for the control plane, which reads the addresses of pods of site " + k.Name +
				" by it: the other Secret of what the same command prints. Without it names of that site lead nowhere; the rest of this site does not wait for it.",
			From: slices.Concat(k.From, ir.From{"name"})})
	}
}

// linkerdFlatFlows: pods of two sites, with their own addresses, and the API servers of the others.
func (l *lowering) linkerdFlatFlows(reads ir.From) {
	f := l.p.Federation
	l.apiServerFlows(reads)
	between := func(from, to ir.FlowEnd, ports []ir.Port, why ir.From) {
		for _, p := range ports {
			l.flow(ir.Flow{Area: ir.OutsideArea, From: from, To: to, Protocol: "tcp", Port: p.TargetPort, Why: "calls between sites",
				Note: "pods' own addresses on both sides"}, reads, why, p.From)
		}
		if n := l.p.Mesh.ProxyPorts.Streams; n != 0 && slices.ContainsFunc(ports, func(p ir.Port) bool { return p.Protocol == "tcp" }) {
			l.flow(ir.Flow{Area: ir.OutsideArea, From: from, To: to, Protocol: "tcp", Port: n, Why: "calls between sites", Note: "streams of the mesh, encrypted"}, reads, why)
		}
	}
	there := func(namespace, name, peer string) ir.FlowEnd {
		return ir.FlowEnd{Name: "service " + namespace + "/" + name + " of site " + peer, Addresses: f.Peer(peer).Pods}
	}
	for i := range l.p.Services {
		s := &l.p.Services[i]
		here := l.pods("service " + s.Namespace + "/" + s.Name)
		for _, a := range s.Away {
			between(here, there(a.Namespace, a.Name, a.Peer), a.Ports, a.From)
		}
		for _, c := range s.Peers {
			between(there(c.Namespace, c.Name, c.Peer), here, c.Ports, c.From)
		}
	}
}

// linkerdFlatRules watch that the control plane reads the other sites: it counts those that it has a Secret of
// (controller/api/destination/watcher/cluster_store.go).
func (l *lowering) linkerdFlatRules() []ir.Rule {
	f, m := l.p.Federation, &l.p.Mesh
	n := decimal(float64(len(f.Peers)))
	return []ir.Rule{{Alert: "PeerUnread", Severity: critical, For: "10m", From: append(slices.Clone(f.From), m.From.Of("kind")...),
		Expr:        `cluster_store_size{namespace="` + m.Namespace + `"} < ` + n,
		Summary:     "{{ $labels.pod }} of the mesh's control plane does not read every other site.",
		Description: "There are " + n + ", and it has the Secrets of fewer: calls to the pods of the others find no address. SECRETS.md says what makes them."}}
}
