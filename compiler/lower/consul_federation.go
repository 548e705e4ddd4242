package lower

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// consulCrossing: sites are peers, each with an authority of its own. What crosses goes from a proxy to the mesh gateway of
// the callee's site, where the servers' own connection comes in as well (hashicorp/consul-k8s v2.0.3, charts/consul
// meshGateway and global.peering, acceptance/tests/peering; read 2026-11-21). The port is that of the gateway's container.
var consulCrossing = crossing{
	port: 8443, secret: "peering-token-", secrets: (*lowering).consulPeeringSecrets,
	host: func(l *lowering, peer, _, service string) string {
		if consulIsWAN(l.s) {
			return service + "." + l.p.Mesh.Namespace + ".svc." + l.p.Cluster.Domain
		}
		return service + "-" + peer + "." + l.p.Mesh.Namespace + ".svc." + l.p.Cluster.Domain
	},
	listeners: func(l *lowering) []ir.Listener {
		return []ir.Listener{{Name: "gateway", Port: l.p.Federation.Port, Protocol: "tls", From: ir.From{"federation"}}}
	},
	flows: (*lowering).consulPeeringFlows,
}

// consulMeshGateway gives the gateway between sites the names of the chart, whose values say all the rest.
func consulMeshGateway(l *lowering, g *ir.Gateway) {
	const name = consulName + "-mesh-gateway"
	g.Namespace, g.Release, g.ServiceAccount = l.p.Mesh.Namespace, name, name
	g.Selector = []ir.KV{{Key: "app", Value: consulName}, {Key: "component", Value: "mesh-gateway"}, {Key: "release", Value: consulName}}
	g.PodSysctls = nil
}

// consulPeers decides who of two peers makes the token by which the other one comes: the first by name.
func (l *lowering) consulPeers() {
	f, k := l.p.Federation, l.p.Consul
	if f == nil {
		return
	}
	for _, p := range f.Peers {
		peer := ir.ConsulPeer{Name: p.Name, Accepts: l.p.Name < p.Name, Secret: p.Secret, From: append(slices.Clone(p.From), "name", "mesh.kind")}
		for i := range k.Services {
			s := &k.Services[i]
			if slices.ContainsFunc(s.Callers, func(c ir.ConsulCaller) bool { return c.Peer == p.Name }) {
				peer.Exports = append(peer.Exports, s.Name)
			}
		}
		k.Peers = append(k.Peers, peer)
	}
	for i := range l.p.Services {
		s := &l.p.Services[i]
		for _, a := range s.Away {
			name, _, _ := strings.Cut(a.Host, ".")
			at := slices.IndexFunc(k.Aliases, func(x ir.ConsulAlias) bool { return x.Name == name })
			if at < 0 {
				at = len(k.Aliases)
				k.Aliases = append(k.Aliases, ir.ConsulAlias{Name: name, Service: a.Name, Peer: a.Peer})
			}
			k.Aliases[at].Callers = append(k.Aliases[at].Callers, ir.ConsulCaller{Name: s.Name, From: a.From})
			k.Aliases[at].From = append(k.Aliases[at].From, a.From...)
		}
	}
	slices.SortFunc(k.Aliases, func(a, b ir.ConsulAlias) int { return strings.Compare(a.Name, b.Name) })
}

// consulPeeringSecrets are the tokens that other sites make: each holds for one use, and names their gateway.
func (l *lowering) consulPeeringSecrets() {
	l.consulWANSecrets()
	for _, p := range l.p.Consul.Peers {
		if p.Accepts {
			continue // the controller makes it here
		}
		l.secret(ir.Secret{Namespace: l.p.Mesh.Namespace, Name: p.Secret, Type: opaque, Keys: []string{"data"}, Late: true,
			Consumers: []string{"PeeringDialer " + l.p.Mesh.Namespace + "/" + p.Name},
			Why: "Token by which this site becomes a peer of " + p.Name + ", whose controller keeps it in Secret " + l.p.Mesh.Namespace + "/peering-token-" + l.p.Name +
				", key data. It holds once. Without it the two are no peers; the rest of this site does not wait for it.",
			From: p.From})
	}
}

// consulPeeringFlows: servers of the two sites speak by way of the mesh gateways.
func (l *lowering) consulPeeringFlows(reads ir.From) {
	for _, p := range l.p.Federation.Peers {
		source := l.allNodes()
		source.Name, source.Nodes = "mesh gateways", nil
		l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: ir.FlowEnd{Name: "gateway of site " + p.Name, Addresses: ir.Blocks(p.Gateways)},
			Protocol: "tcp", Port: l.p.Federation.Port, Why: "servers of the mesh, who exports what", Note: translated}, reads, p.From)
	}
	l.consulWANFlows(reads)
}

// peeringWaits: a token of a peering is made at once and never again, with the addresses of the servers themselves unless
// Mesh says by then that they are reached by way of the mesh gateways (Consul 1.22.0, agent/consul/peering_backend.go,
// GetLocalServerAddresses; consul-k8s 2.0.3, peering_acceptor_controller.go, shouldGenerateToken; read 2026-11-21).
func (l *lowering) peeringWaits() []ir.Wait {
	if l.p.Consul == nil || len(l.p.Consul.Peers) == 0 {
		return nil
	}
	return []ir.Wait{{Namespace: l.p.Mesh.Namespace, Object: "mesh." + consulGroup + "/mesh", For: "condition=Synced", From: ir.From{"federation", "mesh.kind"}}}
}
