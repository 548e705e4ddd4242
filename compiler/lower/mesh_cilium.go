package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Names of Cilium 1.20.2.
const (
	// gatewayLabel is on the Service that Cilium makes for a Gateway (operator/pkg/model/translation/gateway-api/translator.go).
	gatewayLabel = "gateway.networking.k8s.io/gateway-name"
	// ciliumGatewayPrefix is before the name of that Service (the same file, CiliumGatewayPrefix).
	ciliumGatewayPrefix = "cilium-gateway-"
	ciliumGroup         = "cilium.io"
)

// ciliumMesh is the mesh of the pod network: a proxy for each node, which stands in the way of what layer 7 decides and of
// nothing else. The agents that carry the packets of pods know them by their labels; only what encrypts between workloads
// takes pods in, by namespaces.
var ciliumMesh = meshKind{
	inject:       enrollCilium,
	namespaces:   func(*lowering) []ownNamespace { return nil }, // its parts are those of the pod network
	releases:     func(*lowering) []ir.Release { return nil },
	gateway:      ciliumGateway,
	step:         func(*lowering, *ir.ChartStep) {},
	upgrade:      ciliumUpgrade,
	certificates: func(*lowering) []ir.Rule { return nil }, // nodes have keys, which need no renewal
	pushes:       ciliumPushes,
	metrics:      ciliumMetrics,
	monitors:     func(*lowering) []ir.Monitor { return nil }, // the agents are watched with the pod network
	machines:     machineSlices,
	crossing:     &ciliumCrossing,
}

// ciliumGateway: a class for each gateway, because what the Gateway API has no words for stands at the class. Cilium
// refuses a Gateway with parameters of its own (operator/pkg/gateway-api/gateway_reconcile.go).
func ciliumGateway(l *lowering, g *ir.Gateway) {
	if l.p.CrossesSites(g) {
		clusterMeshGateway(g)
		return
	}
	g.Release = ciliumGatewayPrefix + g.Name
	g.APIClass = "cilium-" + g.Name
	g.Selector = []ir.KV{{Key: gatewayLabel, Value: g.Name}} // of its Service
	g.ByNodes = true
	g.PodSysctls = nil // of pods, which it has none of: the proxies are in the network of their hosts
	g.ClassParameters = ir.ObjectRef{Group: ciliumGroup, Kind: "CiliumGatewayClassConfig", Name: g.Name}
}

// ciliumMeshed reports whether the mesh is the one of the pod network.
func (l *lowering) ciliumMeshed() bool { return l.s.Mesh.Kind == "cilium" }

// ciliumMeshKinds are the kinds of its objects, which the operator registers as those of the load balancer.
var ciliumMeshKinds = []string{"ciliumclusterwidenetworkpolicies", "ciliumgatewayclassconfigs", "ciliumnetworkpolicies"}

// ciliumLogs are the filters of Hubble for the requests to log: one of them must take a flow. 129 is what proxies report
// (pkg/monitor/api/types.go, MessageTypeAccessLog); what policy refuses has no status. The chart joins filters by blanks, so
// that none is within one.
var ciliumLogs = map[string][]string{
	"all": {`{"event_type":[{"type":129}],"protocol":["http"]}`},
	"errors": {
		`{"event_type":[{"type":129}],"http_status_code":["4+","5+"]}`,
		`{"event_type":[{"type":129}],"protocol":["http"],"verdict":["DROPPED","ERROR"]}`,
	},
}

// ciliumMeshSettings decides what the mesh needs of the chart. Mutual TLS is encryption between nodes, with keys of nodes:
// strict drops what of pods is not encrypted, permissive does not.
//
// The sender's side of strict knows one network, of version 4 (Documentation/security/network/encryption.rst); the
// receiver's side holds for both families, and is there with WireGuard alone (daemon/cmd/daemon.go).
func (l *lowering) ciliumMeshSettings(s *ir.CiliumSettings) {
	if !l.ciliumMeshed() {
		return
	}
	s.Meshed, s.Strict = true, l.p.Mesh.Strict && l.s.Mesh.Encrypts() != byZtunnel // whose strictness is in the policies
	s.Encryption, s.EncryptionFrom = l.s.Mesh.Encrypts(), append(l.p.Mesh.From.Of("mtls", "kind"), l.encryptionFrom()...)
	l.ipsecSettings(s)
	l.ztunnelSettings(s)
	l.spireSettings(s)
	s.Gateways = l.p.Cluster.GatewayAPI.Version != "" // without its CRDs the operator serves none
	s.Envoy = l.p.Mesh.Proxy
	s.From = append(append(s.From, l.p.Mesh.From.Of("kind", "mtls")...), l.p.Cluster.GatewayAPI.From...)
	l.clusterMesh(s)
	s.Logged, s.LoggedFrom = ciliumLogs[l.p.Mesh.AccessLogs], slices.Concat(l.p.Mesh.AccessLogsFrom, l.p.Mesh.From.Of("kind"))
	if s.Pods4.Network.IsValid() {
		s.StrictNetwork = s.Pods4.Network
		s.StrictLookup = s.Tunnel != ""
		for _, subnet := range l.p.Cluster.NodeSubnets {
			s.StrictLookup = s.StrictLookup || subnet.Overlaps(s.StrictNetwork)
		}
	}
}
