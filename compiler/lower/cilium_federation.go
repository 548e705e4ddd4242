package lower

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// Names of Cluster Mesh (cilium/cilium v1.20.2 install/kubernetes/cilium/templates/clustermesh-apiserver and
// Documentation/network/clustermesh, read 2026-11-21).
const (
	// clusterMeshServer is the Deployment and the Service that other sites read: which pods there are here, who they are,
	// and which Services are exported.
	clusterMeshServer = "clustermesh-apiserver"
	clusterMeshPort   = 2379
	// clusterSet is the domain of exported Services, which CoreDNS answers for.
	clusterSet = "clusterset.local"
	// podCluster is the label by which policies know the cluster of a pod. Without it they are about pods here alone.
	podCluster = "k8s:io.cilium.k8s.policy.cluster"
)

// ciliumCrossing: packets go from pod to pod, between the nodes of two sites, and keep who sends them. The gateway is that of
// what the sites know of each other.
var ciliumCrossing = crossing{
	port: clusterMeshPort, secrets: (*lowering).clusterMeshSecrets, direct: true, datagrams: true,
	host: func(_ *lowering, _, namespace, service string) string {
		return service + "." + namespace + ".svc." + clusterSet
	},
	listeners: func(l *lowering) []ir.Listener {
		return []ir.Listener{{Name: "sites", Port: clusterMeshPort, Protocol: "tcp", From: ir.From{"federation"}}}
	},
	flows: (*lowering).clusterMeshFlows,
}

// clusterMeshGateway gives the gateway the names of the chart's own Deployment.
func clusterMeshGateway(g *ir.Gateway) {
	g.Namespace, g.Release, g.ServiceAccount = ciliumNamespace, clusterMeshServer, clusterMeshServer
	g.Selector = []ir.KV{{Key: "k8s-app", Value: clusterMeshServer}}
	g.PodSysctls = nil // it binds no port below 1024
}

// clusterMesh adds the other sites to the settings of the chart.
func (l *lowering) clusterMesh(s *ir.CiliumSettings) {
	f := l.p.Federation
	if f == nil || !l.ciliumMeshed() {
		return
	}
	s.ClusterMesh = &ir.ClusterMesh{Name: l.p.Name, ID: f.Cluster, Gateway: l.gateway(f.Gateway), Peers: f.Peers, Domain: l.p.Cluster.Domain,
		From: append(slices.Clone(f.From), "name", "federation.clusterID", "kubernetes.clusterDomain")}
}

// ciliumLater: the Service of Cluster Mesh is one of the chart, and gets its address from a pool whose kind the same chart
// brings. Helm 3 waits for the address (3.22.0, pkg/kube/ready.go, serviceReady), and so do Flux and Argo CD.
func (l *lowering) ciliumLater() ir.From {
	f := l.p.Federation
	if f == nil || !l.ciliumMeshed() {
		return nil
	}
	return append(slices.Clone(f.From), "mesh.kind", "components.cni.managed")
}

// clusterMeshSecrets are the certificates of what the sites know of each other, all of one root. The chart would make them
// with every render, from a root that no other site has.
func (l *lowering) clusterMeshSecrets() {
	f := l.p.Federation
	from := slices.Concat(f.From, ir.From{"name"})
	server := "Deployment " + ciliumNamespace + "/" + clusterMeshServer
	for _, c := range []struct{ name, subject, why string }{
		{"server", "CN " + clusterMeshServer + "." + ciliumNamespace + ".svc, and the names " + clusterMeshServer + "." + ciliumNamespace + ".svc, *.mesh.cilium.io, 127.0.0.1 and ::1",
			"other sites and the agents here read nothing"},
		{"admin", "CN admin-" + l.p.Name, "nothing of this site is written down for the others"},
		{"remote", "CN remote", "this site reads nothing of the others"},
		{"local", "CN local-" + l.p.Name, "the agents here read nothing of other sites"},
	} {
		l.secret(ir.Secret{
			Namespace: ciliumNamespace, Name: clusterMeshServer + "-" + c.name + "-cert", Type: tlsType, Keys: []string{"ca.crt", "tls.crt", "tls.key"},
			Consumers: []string{server}, From: from, First: true, Creator: ir.ByHand,
			Why: "Certificate of Cluster Mesh, " + c.subject + ", signed by a root that all sites share (ca.crt). Without it " + c.why + ".",
		})
	}
}

// ciliumHealthPort is where the agents of all nodes that an agent knows, those of other sites too, answer its probes
// (cilium/cilium v1.20.2 pkg/health/server, pkg/node/manager/rest_api.go, read 2026-11-21).
const ciliumHealthPort = 4240

// clusterMeshFlows: what the sites know of each other, and the packets between their pods. A site that filters what comes
// to its nodes is compiled together with its peers, or not at all, and says from where they come.
func (l *lowering) clusterMeshFlows(reads ir.From) {
	f := l.p.Federation
	reads = append(reads[:len(reads):len(reads)], l.encryptionFrom()...)
	for _, p := range f.Peers {
		there := ir.FlowEnd{Name: "nodes of site " + p.Name}
		if l.s.Fabric.HostFirewall {
			there.Addresses = peerNodes(l.fleet.Named(p.Name))
			reads = append(reads[:len(reads):len(reads)], "fabric.hostFirewall")
		}
		source := l.allNodes()
		source.Name, source.Nodes = clusterMeshServer, nil
		l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: ir.FlowEnd{Name: "gateway of site " + p.Name, Addresses: ir.Blocks(p.Gateways)},
			Protocol: "tcp", Port: f.Port, Why: "pods and Services of site " + p.Name, Note: translated}, reads, p.From)
		for _, port := range l.betweenSites() {
			what := "pods of two sites: "
			if port.Port == ciliumHealthPort {
				what = "nodes of two sites: "
			}
			out := ir.Flow{Area: ir.OutsideArea, From: l.allNodes(), To: there, Protocol: port.Protocol, Port: port.Port, Why: what + port.Use,
				Note: "each node of one site with each of the other, both ways"}
			if len(there.Addresses) > 0 {
				out.Note = ""
				in := out
				in.From, in.To = out.To, out.From
				l.flow(in, reads, p.From)
			}
			l.flow(out, reads, p.From)
		}
	}
}

// betweenSites are the ports on which nodes of two sites talk to each other: those of health, of the tunnel, and of what
// encrypts it.
func (l *lowering) betweenSites() []profile.Listener {
	var out []profile.Listener
	for _, p := range l.set.CNI(l.s.Kubernetes.CNI.Kind).HostPorts {
		encrypts := strings.HasPrefix(p.Use, "WireGuard") && l.encrypts() == byWireGuard
		if encrypts || p.Port == ciliumHealthPort || strings.EqualFold(p.Use, l.s.Kubernetes.CNI.Encapsulation) {
			out = append(out, p)
		}
	}
	if l.encrypts() == byIPsec {
		out = append(out, profile.Listener{Protocol: espProtocol, Use: "IPsec"})
	}
	return out
}

// peerNodes are the networks of the machines of another site: the subnets of its racks, or the machines where a rack has none.
func peerNodes(s *site.Site) []netip.Prefix {
	var out []netip.Prefix
	if s == nil {
		return nil
	}
	for _, r := range byKey(s.Racks) {
		for _, text := range r.Subnets {
			out = append(out, prefix(text))
		}
		if len(r.Subnets) > 0 {
			continue
		}
		for _, n := range byKey(r.Nodes) {
			out = append(out, singles(addrs(n.Address))...)
		}
	}
	sortPrefixes(out)
	return out
}

// clusterMeshCaller admits the pods of a service of another site, which agents know by their labels and the cluster.
func (l *lowering) clusterMeshCaller(s *ir.Service, c ir.Caller) []ir.CiliumRule {
	c.Labels = []ir.KV{{Key: nameLabel, Value: c.Name}}
	rules := ciliumCaller(c, s.Meshed)
	for i := range rules {
		rules[i].Labels = append(rules[i].Labels, ir.KV{Key: podCluster, Value: c.Peer})
	}
	return rules
}

// clusterMeshCallee lets a service out to the pods of one of another site. On which ports is decided there.
func clusterMeshCallee(a ir.Away) ir.CiliumRule {
	return ir.CiliumRule{Reason: "to service " + a.Namespace + "/" + a.Name + " of site " + a.Peer + ", on the ports that it opens there",
		Labels: append(podLabels(a.Namespace, "", []ir.KV{{Key: nameLabel, Value: a.Name}}), ir.KV{Key: podCluster, Value: a.Peer}), From: a.From}
}

// exports are the Services that other sites call.
func (l *lowering) exports() {
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if len(s.Peers) == 0 {
			continue
		}
		e := ir.CiliumExport{Namespace: s.Namespace, Service: s.Name, From: slices.Clone(s.From)}
		for _, c := range s.Peers {
			e.From = append(e.From, c.From...)
		}
		l.p.CiliumMesh.Exports = append(l.p.CiliumMesh.Exports, e)
	}
}

// awayNamespaces are those of services of other sites that have no namespace here: a name of another site is known in a
// namespace of the same name alone.
func (l *lowering) awayNamespaces() []ir.Namespace {
	var out []ir.Namespace
	if l.p.Federation == nil || !l.ciliumMeshed() && !l.crossing().known {
		return nil
	}
	at := map[string]int{}
	for i := range l.p.Services {
		for _, a := range l.p.Services[i].Away {
			if l.s.Namespaces[a.Namespace] != nil {
				continue
			}
			k, ok := at[a.Namespace]
			if !ok {
				k = len(out)
				at[a.Namespace] = k
				out = append(out, ir.Namespace{Name: a.Namespace, Owner: l.s.Owner, Purpose: "away", PodSecurity: "restricted", Environment: l.s.Environment,
					From: ir.From{"owner", "environment", "kubernetes.version", "mesh.kind"}})
			}
			out[k].From = append(out[k].From, a.From...)
		}
	}
	return out
}
