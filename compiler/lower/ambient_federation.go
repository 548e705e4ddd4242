package lower

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// ambientCrossing: the ztunnel of the caller's node opens a tunnel to the gateway of the callee's site, and in it another one
// to the callee's ztunnel, with the caller's own certificate; the gateway ends the outer one and sees nothing of the inner
// (istio/ztunnel release-1.31 src/proxy/outbound.rs, build_request_through_gateway; istio/istio 1.31.0
// pilot/pkg/networking/core/listener_waypoint.go; read 2026-11-21).
//
// A name leads to an address of the caller's own network alone (ztunnel src/dns/server.rs, get_addresses), and istiod takes
// Services of one name and namespace for one where both are global (pilot/pkg/serviceregistry/ambient/multicluster.go,
// mergeServiceInfosWithCluster): a Service without pods of its own is all that a caller's cluster needs.
var ambientCrossing = crossing{
	port: 15008, network: ir.NetworkLabel, secret: "istio-remote-secret-", secrets: (*lowering).remoteSecrets, frontend: ir.FrontendGatewayAPI,
	host: istioCrossing.host,
	listeners: func(l *lowering) []ir.Listener {
		from := ir.From{"federation"}
		return []ir.Listener{{Name: "mesh", Port: l.p.Federation.Port, Protocol: ir.Tunnelled, TLS: &ir.TLS{Mode: ir.MeshMutual, From: from}, From: from}}
	},
	flows: (*lowering).apiServerFlows,
	known: true,
}

// eastWestClass is the GatewayClass of gateways that other sites reach; istiod makes it, and deploys them under the name of
// the Gateway (pilot/pkg/config/kube/gatewaycommon/classinfo.go of Istio 1.31, DisableNameSuffix).
const eastWestClass = "istio-east-west"

// eastWest gives the gateway between sites of an ambient mesh the names of what istiod deploys for it.
func eastWest(l *lowering, g *ir.Gateway) {
	g.Release, g.ServiceAccount, g.APIClass = g.Name, g.Name, eastWestClass
	g.Labels = append(g.Labels, ir.KV{Key: ir.NetworkLabel, Value: l.p.Federation.Network})
	// The proxy binds no port below 1024.
	g.PodSysctls = slices.DeleteFunc(g.PodSysctls, func(s ir.Sysctl) bool { return s.Key == "net.ipv4.ip_unprivileged_port_start" })
	g.From = append(g.From, "federation.network")
}

// ambientMarks: a Service is one with those of its name at other sites by a label, which the profile "ambient" of the charts
// names (manifests/helm-profiles/ambient.yaml of Istio 1.31, meshConfig.serviceScopeConfigs).
func ambientMarks(l *lowering) {
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if len(s.Peers) == 0 {
			continue
		}
		m := ir.ServiceMark{Namespace: s.Namespace, Service: s.Name, Labels: []ir.KV{{Key: "istio.io/global", Value: "true"}},
			Reasons: []string{"other sites call it"}, From: append(slices.Clone(s.From), "federation")}
		for _, c := range s.Peers {
			m.From = append(m.From, c.From...)
		}
		l.mark(m)
	}
}

// knownServices are the services of other sites that are called and that this one does not have itself: their names are
// made here.
func (l *lowering) knownServices() {
	if l.p.Federation == nil || !l.crossing().known {
		return
	}
	at := map[string]int{}
	out := &l.p.Federation.Services
	for i := range l.p.Services {
		for _, a := range l.p.Services[i].Away {
			name := a.Namespace + "/" + a.Name
			if l.find(name) != nil {
				continue // the mesh takes the two for one
			}
			k, ok := at[name]
			if !ok {
				k = len(*out)
				at[name] = k
				*out = append(*out, l.known(a))
			}
			(*out)[k].From = append((*out)[k].From, a.From...)
		}
	}
	slices.SortFunc(*out, func(a, b ir.AwayService) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

// known is a service of another site as that is told of here.
func (l *lowering) known(a ir.Away) ir.AwayService {
	name := a.Namespace + "/" + a.Name
	path := site.Join("federation", "peers", a.Peer, "services", name)
	out := ir.AwayService{Namespace: a.Namespace, Name: a.Name, Peer: a.Peer, From: ir.From{path}}
	for pn, p := range byKey(l.s.Federation.Peers[a.Peer].Services[name].Ports) {
		out.Ports = append(out.Ports, ir.Port{Name: pn, Port: uint16(p.Port), TargetPort: uint16(cmp.Or(p.TargetPort, p.Port)), Protocol: p.Protocol,
			From: ir.From{path + "." + site.Join("ports", pn)}})
	}
	return out
}
