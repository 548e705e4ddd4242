// Package policy answers from an emitted tree alone who may reach whom in the cluster, and which object decides it.
//
// In: an *artifact.Tree, of which the objects of Kubernetes, Istio and the Gateway API and the values of the mesh's
// charts are read, and a World with what no tree says: which workloads exist. Out: a Model, to be asked by Reach. It
// follows what the readers of those objects do (Istio 1.31 with sidecars, the network policies of Kubernetes, Envoy's
// matching), and shares nothing with what writes them. What it does not understand, a kind or a field that could change
// an answer, is an error of Read and never ignored; an object of another group is no business of this package.
package policy

import (
	"fmt"
	"net/netip"
)

// World is what a tree cannot say about the cluster that takes it.
type World struct {
	MeshNamespace string     // where the control plane runs: the root of mesh-wide objects unless its values say otherwise
	MeshValues    string     // path in the tree of the values of the control plane's chart; "": there is no mesh
	NextValues    string     // the same of a second control plane, to which an upgrade leads; "" where there is none
	Linkerd       string     // path of the values of Linkerd's control plane; "" for another mesh
	Consul        string     // path of the values of Consul's chart; "" for another mesh
	Cilium        string     // path of the values of Cilium's chart, where the tree has them
	Workloads     []Workload // services and gateways
	Egress        []Workload // gateways of the mesh on the way out, which nobody calls but by a route to somebody outside
	NodeAddress   netip.Addr // of some node: the source of a connection that a Service hides
	Balancer      netip.Addr // of a machine in front of the cluster, through which clients come; invalid where there is none
	ProxyProtocol bool       // it tells the client's address by the PROXY protocol
}

// Workload is the pods of one service or gateway, with the Service in front of them.
type Workload struct {
	Namespace, Name string
	Host            string // "api.payments.svc.cluster.local"; "" for pods without a Service
	ServiceAccount  string
	Labels          map[string]string
	Ports           []Port     // of the Service; those of a gateway stand in the tree
	Address         netip.Addr // of one pod
	Gateway         bool       // a gateway of the mesh
	Headless        bool       // its clients dial pods
	Values          string     // gateways of the chart: path of its values in the tree
	// Meshed is whether a pod runs a sidecar, where its namespace is not in the tree. Where it is, its labels decide.
	Meshed  bool
	Machine bool   // no pod, but a machine outside the cluster at Address, in the registry of the mesh
	Cluster string // of another site that pods are joined with; "": the tree's own, whose policies alone are read
	Opted   bool   // out of the mesh by the pod's own label, whatever the namespace says
}

// Port of a Service.
type Port struct {
	Name     string
	Port     uint16
	Target   uint16 // of the container
	Protocol string // http https tls tcp udp grpc
}

// Caller is who asks: a pod, or an address outside the cluster.
type Caller struct {
	Workload    *Workload  // nil for a caller that is no pod
	Address     netip.Addr // of a caller that is no pod
	Certificate bool       // it has the client certificate that a gateway may ask for
	Kubelet     bool       // of the node of the pod that is called: network policies do not hold for it
}

// Target is who is asked: a workload of the World by name, or, with an address, somebody outside the cluster.
type Target struct {
	Namespace, Name string
	Address         netip.Addr
	Host            string // name of somebody outside; "" when only the address is known
}

// Request is what is asked. Method, Path and Host count where the port speaks HTTP; Path is normalized and has no query.
type Request struct {
	Port   uint16 // of the Service
	Direct bool   // the pod's own address is called, and Port is the container's
	UDP    bool
	Method string
	Path   string
	Host   string // "": the host of the target
	Token  *Token // nil: none
}

// Layer is one of the places where a request is decided, in the order in which it passes them.
type Layer string

// The layers. A route leads on; the others let pass or do not.
const (
	Scope         Layer = "scope"         // what the caller's sidecar knows
	Listener      Layer = "listener"      // Service, listener and TLS of a gateway
	Registry      Layer = "registry"      // whether the mesh knows a machine outside the cluster
	Route         Layer = "route"         // where the proxy on the caller's side sends it
	Egress        Layer = "egress"        // network policies of the caller
	Ingress       Layer = "ingress"       // network policies of the callee
	PeerAuth      Layer = "mutual TLS"    // whether the callee's proxy takes a caller without a certificate
	Tokens        Layer = "tokens"        // whether the callee's proxy takes the token of a request
	Authorization Layer = "authorization" // policies at the callee's proxy
)

// Effect is what a layer does to a request.
type Effect string

// The effects. A layer is silent where no object of it concerns the request, which then passes.
const (
	Allow  Effect = "allow"
	Refuse Effect = "refuse"
	Silent Effect = "silent"
)

// Object is where a decision stands in the tree. Line is that of the deciding rule, else of the object; the zero Object
// stands for a default.
type Object struct {
	Kind, Namespace, Name string
	File                  string
	Line                  int
}

func (o Object) String() string {
	if o.Kind == "" {
		return "no object"
	}
	return fmt.Sprintf("%s %s/%s (%s:%d)", o.Kind, o.Namespace, o.Name, o.File, o.Line)
}

// Step is the decision of one layer.
type Step struct {
	Layer  Layer
	At     string // "namespace/name" of the workload whose layer it is
	Object Object
	Effect Effect
	Why    string
}

func (s Step) String() string {
	return fmt.Sprintf("%s at %s: %s by %s: %s", s.Layer, s.At, s.Effect, s.Object, s.Why)
}

// Lead is one end of a request that a route distributes.
type Lead struct {
	Namespace, Name string
	Port            uint16 // of the Service
	Weight          int    // share; relative to the sum of all
	Allowed         bool
}

// Verdict is the answer. All layers are asked, also behind a refusal, so that each can be looked at alone.
type Verdict struct {
	Allowed bool   // every end with a share may be reached
	Steps   []Step // in the order of the layers, end by end
	Leads   []Lead
}

// Refused returns the first step that refuses, and whether there is one.
func (v Verdict) Refused() (Step, bool) {
	for _, s := range v.Steps {
		if s.Effect == Refuse {
			return s, true
		}
	}
	return Step{}, false
}
