package lower

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// crossing is what differs between meshes where sites are joined.
type crossing struct {
	// port is that of the gateways which other sites reach.
	port uint16
	// network is a label by which the control plane's namespace tells its network; "": it tells none.
	network string
	// secret is the name of what the control plane needs to know a peer, before the peer's name; secrets notes them.
	secret  string
	secrets func(l *lowering)
	// requests: nothing but requests crosses, because the gateway tells callers apart by what they ask for.
	requests bool
	// direct: packets go from pod to pod, and no gateway is between callers and callees.
	direct bool
	// datagrams: they go with any protocol, not TCP alone.
	datagrams bool
	// frontend of the gateway, whose Service has the labels by which other sites take it for one.
	frontend string
	// known: services of other sites are called by names that are made here.
	known bool
	// host is by which name callers here know a service of a peer.
	host func(l *lowering, peer, namespace, service string) string
	// listeners are the ports of the gateway.
	listeners func(l *lowering) []ir.Listener
	// flows are the connections between control planes.
	flows func(l *lowering, reads ir.From)
}

// istioCrossing: the port is what istiod takes where the Service of such a gateway does not say another
// (pilot/pkg/serviceregistry/kube/controller/network.go of Istio 1.31, DefaultNetworkGatewayPort; read 2026-11-21).
var istioCrossing = crossing{
	port: 15443, network: ir.NetworkLabel, secret: "istio-remote-secret-", secrets: (*lowering).remoteSecrets, frontend: ir.FrontendIstio,
	host: func(l *lowering, _, namespace, service string) string {
		return service + "." + namespace + ".svc." + l.p.Cluster.Domain
	},
	listeners: func(l *lowering) []ir.Listener { return []ir.Listener{l.crossSite()} },
	flows:     (*lowering).apiServerFlows,
}

// crossing is how the site is joined with others; nil: its mesh joins none.
func (l *lowering) crossing() *crossing {
	if linkerdIsFlat(l.s) {
		return &linkerdFlatCrossing
	}
	return l.meshKind().crossing
}

// federation joins the site with its peers. A peer that is compiled alone is taken at its word.
func (l *lowering) federation() {
	f, kind := l.s.Federation, l.crossing()
	if f == nil || kind == nil {
		return
	}
	names := slices.Collect(maps.Keys(f.Peers))
	out := &ir.Federation{
		// Every site that names all the others comes to the same one.
		MeshID:  "mesh-" + slices.Min(append(names, l.s.Name)),
		Network: f.Network, Gateway: f.Gateway, Flat: linkerdIsFlat(l.s), Port: kind.port, Cluster: f.ClusterID,
		LookImage: lookImage,
		From:      append(under("federation", "network", "gateway"), "mesh.kind"),
	}
	for name, p := range byKey(f.Peers) {
		out.Peers = append(out.Peers, ir.Peer{Name: name, TrustDomain: p.TrustDomain, Network: p.Network, Gateways: addrs(p.GatewayAddresses), Pods: prefixes(p.PodCIDRs),
			Secret: kind.secret + name, From: ir.From{site.Join("federation", "peers", name)}})
	}
	l.p.Federation = out
}

// lookImage has nslookup, which the runbook asks for names of other sites with.
const lookImage = "docker.io/library/busybox:1.37"

// crossSite is the listener of the gateway that other sites reach: it takes the services that admit one of another site,
// and no others. Istio's own example takes every service of the mesh, and its proxies ask no policy there
// (pilot/pkg/networking/core/gateway.go of Istio 1.31, builtAutoPassthroughFilterChains; read 2026-11-21).
func (l *lowering) crossSite() ir.Listener {
	from := ir.From{"federation"}
	out := ir.Listener{Name: "cross-site", Port: l.p.Federation.Port, Protocol: "tls", From: from,
		TLS: &ir.TLS{Mode: ir.AutoPassthrough, From: from}}
	for nn, n := range byKey(l.s.Namespaces) {
		for sn, s := range byKey(n.Services) {
			var admitted ir.From
			for i, a := range s.Allow {
				if slices.ContainsFunc(a.From, l.isAway) {
					admitted = append(admitted, site.Join("namespaces", nn, "services", sn, "allow", site.Index(i)))
				}
			}
			if len(admitted) > 0 {
				out.Hosts = append(out.Hosts, ir.ListenerHost{Host: sn + "." + nn + ".svc." + l.p.Cluster.Domain, Namespaces: []string{nn},
					From: append(admitted, "kubernetes.clusterDomain", "federation")})
			}
		}
	}
	return out
}

// isAway reports whether a name is that of a service of a peer.
func (l *lowering) isAway(name string) bool {
	peer, _, remote := strings.Cut(name, ":")
	return remote && l.p.Federation.Peer(peer) != nil
}

// awayCaller is a service of another site that one of ours admits. Its account is what that site says, where it is
// compiled along, and else its name.
func (l *lowering) awayCaller(name string, callee *ir.Service, from ir.From) ir.Caller {
	peer, rest, _ := strings.Cut(name, ":")
	ns, sn, _ := strings.Cut(rest, "/")
	p, account := l.p.Federation.Peer(peer), sn
	if other := l.fleet.Named(peer); other != nil {
		if n := other.Namespaces[ns]; n != nil && n.Services[sn] != nil {
			account = cmp.Or(n.Services[sn].ServiceAccount, sn)
		}
	}
	c := ir.Caller{Kind: "service of site " + peer + ",", Namespace: ns, Name: sn, ServiceAccount: account, Peer: peer,
		Identity: p.TrustDomain + "/ns/" + ns + "/sa/" + account, Why: "allow", Tunnel: l.p.Mesh.ProxyPorts.Tunnel != 0,
		From: slices.Concat(from, p.From, callee.From)}
	for _, port := range callee.Ports {
		if l.crossing().datagrams || portProtocol(port) == "tcp" && (!l.crossing().requests || ir.IsHTTP(port.Protocol)) { // nothing else gets through
			c.Ports = append(c.Ports, port)
		}
	}
	return c
}

// away lists the services of other sites that a service calls.
func (l *lowering) away(s *ir.Service) {
	for i, name := range l.s.Namespaces[s.Namespace].Services[s.Name].Calls {
		if !l.isAway(name) {
			continue
		}
		peer, rest, _ := strings.Cut(name, ":")
		ns, sn, _ := strings.Cut(rest, "/")
		a := ir.Away{Peer: peer, Namespace: ns, Name: sn, Host: l.crossing().host(l, peer, ns, sn),
			From: append(ir.From{site.Join("namespaces", s.Namespace, "services", s.Name, "calls", site.Index(i)),
				site.Join("federation", "peers", peer), "kubernetes.clusterDomain"}, s.From...)}
		l.linkerdAway(&a)
		s.Away = append(s.Away, a)
	}
	slices.SortFunc(s.Away, func(a, b ir.Away) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Peer, b.Peer))
	})
}

// remoteSecrets let the control plane read the Services and pods of other sites: "istioctl create-remote-secret" makes
// them (pkg/kube/multicluster/secretcontroller.go of Istio 1.31: label istio/multiCluster=true, one key a cluster; read
// 2026-11-21).
func (l *lowering) remoteSecrets() {
	f, m := l.p.Federation, l.p.Mesh
	consumers, from := []string{"Deployment " + m.Namespace + "/" + istiodName(l)}, m.From.Of("kind", "revision")
	if n := m.Next; n != nil {
		consumers, from = append(consumers, "Deployment "+m.Namespace+"/istiod"+revisioned(n.Revision)), slices.Concat(from, n.From)
	}
	for _, p := range f.Peers {
		l.secret(ir.Secret{
			Namespace: l.p.Mesh.Namespace, Name: p.Secret, Type: opaque, Keys: []string{p.Name}, Late: true,
			Labels:    []ir.KV{{Key: "istio/multiCluster", Value: "true"}},
			Consumers: consumers,
			Why: "Configuration of kubectl for site " + p.Name + ", ServiceAccount istio-reader-service-account, as \"istioctl create-remote-secret --name " + p.Name +
				"\" makes it there. Without it nothing of that site is known here, and calls to it find no endpoint; the rest of this site does not wait for it.",
			From: slices.Concat(p.From, from),
		})
	}
}

// translated is what a filter sees of pods that call outside.
const translated = "leaves with the address of the pod's node"

// federationFlows: callers to the gateways of other sites, the gateway here to what it leads to, and each control plane to
// the API servers of the others.
func (l *lowering) federationFlows() {
	f := l.p.Federation
	if f == nil {
		return
	}
	reads := slices.Concat(ir.From{"namespaces", "federation", "mesh", "gateways", "kubernetes"}, machinesFrom)
	for i := range l.p.Services {
		if l.crossing().direct {
			break
		}
		s := &l.p.Services[i]
		for _, a := range s.Away {
			source, p := l.allNodes(), f.Peer(a.Peer)
			source.Name, source.Nodes = "service "+s.Namespace+"/"+s.Name, nil
			l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: ir.FlowEnd{Name: "gateway of site " + p.Name, Addresses: ir.Blocks(p.Gateways)},
				Protocol: "tcp", Port: f.Port, Why: "calls of services of another site", Note: translated}, reads, a.From)
		}
		for _, c := range s.Peers {
			for _, port := range c.Ports {
				if c.Tunnel {
					port.TargetPort = l.p.Mesh.ProxyPorts.Tunnel
				}
				l.flow(ir.Flow{Area: ir.PodArea, From: l.pods("gateway " + f.Gateway), To: l.pods("service " + s.Namespace + "/" + s.Name),
					Protocol: "tcp", Port: port.TargetPort, Why: "callers of other sites"}, reads, c.From, port.From)
			}
		}
	}
	l.crossing().flows(l, reads)
}

// peerAPIPort is that of the API servers of other sites, which this one does not describe: what all distributions use.
const peerAPIPort = 6443

// apiServerFlows: the control plane here reads the API servers of the other sites.
func (l *lowering) apiServerFlows(reads ir.From) {
	for _, p := range l.p.Federation.Peers {
		source := l.allNodes()
		source.Name, source.Nodes = "control plane of the mesh", nil
		l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: ir.FlowEnd{Name: "API servers of site " + p.Name}, Protocol: "tcp", Port: peerAPIPort,
			Why: "Services and endpoints of site " + p.Name, Note: translated + "; address and port are those in Secret " + p.Secret}, reads, p.From)
	}
}
