package lower

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Sites that are datacenters of one federation share the root, the access lists and every configuration entry: servers of a
// secondary hand what is written there to the primary, which all copy from. So each site writes what is of its own
// services, and the primary alone what holds for all of them; a controller leaves an entry alone that another datacenter has
// written otherwise (hashicorp/consul-k8s v2.0.3 control-plane/controllers/configentries/configentry_controller.go,
// sourceDatacenterMismatchErr).
//
// A proxy in transparent mode knows whom its service may call from the intentions, and takes for a service what is sent to
// one of its virtual addresses. A resolver gives its service such addresses in each datacenter, also where no pod of it is;
// and of the Service of its name and namespace the controller adds the address (hashicorp/consul
// agent/consul/state/intention.go intentionTopologyTxn, config_entry.go insertConfigEntryWithTxn; assignServiceVirtualIP
// above). The resolver says in which datacenter the service is. There it leads to itself and changes nothing
// (agent/consul/discoverychain/compile.go getResolverNode; all read 2026-11-21).

// consulReplication is the token by which a secondary copies the access lists and writes into them.
const consulReplication = "consul-replication-token"

// consulReplicated is where the primary keeps that token (charts/consul global.acls.createReplicationToken).
const consulReplicated = consulName + "-acl-replication-acl-token"

// consulIsWAN reports whether a site is a datacenter of a federation.
func consulIsWAN(s *site.Site) bool {
	f := s.Federation
	return s.Mesh.Kind == "consul" && f != nil && f.Consul != nil && f.Consul.Mode == "wan"
}

// consulWAN decides what the site is in its federation, and where services of other sites are found. It reports whether
// there is one.
func (l *lowering) consulWAN() bool {
	if !consulIsWAN(l.s) || l.p.Federation == nil {
		return false
	}
	k, f := l.p.Consul, l.p.Federation
	from := ir.From{"federation.consul", "name", "mesh.kind"}
	k.From = append(k.From, from...) // who prints what holds for all
	k.WAN = &ir.ConsulWAN{Primary: l.s.Federation.Consul.Primary, From: from}
	for i := range f.Peers {
		p := &f.Peers[i]
		p.Secret = "" // peers alone have one for each other
		if p.Name != k.WAN.Primary {
			continue
		}
		k.WAN.Secondary, k.TokenSecret = true, consulReplication
		for _, a := range p.Gateways {
			k.WAN.Gateways = append(k.WAN.Gateways, netip.AddrPortFrom(a, f.Port).String())
		}
		k.WAN.From = slices.Concat(from, p.From, l.p.Cluster.APIServerFrom)
		if api := l.p.Cluster.APIServers; len(api) > 0 {
			k.WAN.API = "https://" + api[0].String()
		}
	}
	for i := range k.Services {
		s := &k.Services[i]
		for j := range s.Callers {
			c := &s.Callers[j]
			if c.Peer != "" {
				// Names are one for all datacenters, and so are callers.
				c.Peer, c.Away, s.Datacenter = "", true, k.Datacenter
				s.DatacenterFrom = append(s.DatacenterFrom, c.From...)
			}
		}
		if s.Datacenter != "" {
			s.DatacenterFrom = slices.Concat(s.DatacenterFrom, from)
		}
	}
	for i := range l.p.Services {
		for _, a := range l.p.Services[i].Away {
			at := slices.IndexFunc(k.Aliases, func(x ir.ConsulAlias) bool { return x.Name == a.Name })
			if at < 0 {
				at = len(k.Aliases)
				k.Aliases = append(k.Aliases, ir.ConsulAlias{Name: a.Name, Service: a.Name, Datacenter: a.Peer, From: from})
			}
			k.Aliases[at].From = slices.Concat(k.Aliases[at].From, a.From)
		}
	}
	slices.SortFunc(k.Aliases, func(a, b ir.ConsulAlias) int { return strings.Compare(a.Name, b.Name) })
	return true
}

// consulWANSecrets: of the primary a secondary has the token of its access lists.
func (l *lowering) consulWANSecrets() {
	w := l.p.Consul.WAN
	if w == nil || !w.Secondary {
		return
	}
	l.secret(ir.Secret{Namespace: l.p.Mesh.Namespace, Name: consulReplication, Type: opaque, Keys: []string{"token"}, Consumers: []string{"chart consul"},
		Why: "Token by which this datacenter copies the access lists of site " + w.Primary + ", where a job of the chart keeps it in Secret " + l.p.Mesh.Namespace + "/" + consulReplicated +
			", key token: install that site first. Without it the servers here do not start.",
		From: w.From})
}

// consulWANFlows: a secondary's servers start by way of the primary's gateways, and who logs in there is asked of the
// secondary's API server.
func (l *lowering) consulWANFlows(reads ir.From) {
	w := l.p.Consul.WAN
	if w == nil || w.Secondary {
		return
	}
	for _, p := range l.p.Federation.Peers {
		source := l.allNodes()
		source.Name, source.Nodes = "servers of the mesh", nil
		l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: ir.FlowEnd{Name: "API servers of site " + p.Name}, Protocol: "tcp", Port: peerAPIPort,
			Why: "who logs in from site " + p.Name, Note: translated + "; address and port are those that site declares"}, reads, p.From, w.From)
	}
}

// consulShared is what is said of a key that all datacenters of a federation have.
func (l *lowering) consulShared(why string) string {
	if l.p.Consul.WAN == nil {
		return why
	}
	return why + " All sites of the federation have the same one."
}
