package ir

import "net/netip"

// Linkerd is what a site tells it: the values of its charts, and its own kinds of objects, in the order of namespace and
// name. Kinds that the Gateway API has are of that API.
type Linkerd struct {
	Networks     []netip.Prefix // of pods, Services and nodes: what is not in them is outside
	NetworksFrom From
	Probes       []netip.Prefix // where kubelets call their pods from
	ProbesFrom   From
	OpaquePorts  []uint16 // where no proxy waits for a request: the site's ports of streams, and the chart's that carry no requests here
	OpaqueFrom   From
	IPv6         bool   // pods have addresses of version 6
	Validator    string // address and port that nothing has: the proxy takes a connection to it, or the redirection fails
	IssuedFor    string // name in the issuer's certificate
	EgressPlace  string // namespace of the networks that hold in all namespaces
	Webhooks     []LinkerdWebhook
	Servers      []LinkerdServer
	Grants       []LinkerdGrant
	Limits       []LinkerdLimit
	ServerRoutes []LinkerdServerRoute
	Routes       []LinkerdRoute
	Outside      []LinkerdNetwork
	Stages       []LinkerdStage   // of migrations, by namespace, in their order
	Machines     []LinkerdMachine // outside the cluster, by namespace, then name
	From         From

	Links           []LinkerdLink // by name; none for a site that stands alone
	GatewayIdentity string        // of the gateway that other sites reach

	Controllers       KV     // label of the pods that read other sites
	ControllerMetrics uint16 // their port
	PeerAPIPort       uint16 // of the API servers of other sites
}

// LinkerdLink makes the services of another site known here, by a controller of its own.
type LinkerdLink struct {
	Namespace, Name string // the site's
	Domain          string // of its cluster
	Control         string // namespace of its control plane
	Secret          string // by which its API server is read
	Account         string // by which that site reads ours
	Addresses       []netip.Addr
	Port, ProbePort uint16 // of its gateway
	Identity        string // of its gateway
	Flat            bool   // it has no gateway: its pods are reached at their own addresses
	From            From
}

// LinkerdWebhook is one that the API server calls, with a certificate of its own.
type LinkerdWebhook struct {
	Value   string // key of the chart: "proxyInjector"
	Service string // also the name of its Certificate
	Secret  string // that its pod reads
}

// LinkerdServer is one port of pods and what it speaks.
type LinkerdServer struct {
	Namespace, Name string
	Selector        []KV // labels of the pods; empty: all
	External        bool // the labels are those of machines outside the cluster
	Port            uint16
	Protocol        string // HTTP/1, HTTP/2, TLS, opaque
	Access          string // what becomes of callers whom no policy admits: deny, audit
	Reason          string
	From            From
}

// LinkerdMachine is one machine outside the cluster with a proxy of its own, whose certificate SPIRE signs.
type LinkerdMachine struct {
	Namespace, Name string
	Service         string // that leads to it
	Labels          []KV   // by which the Service and Servers know it
	Identity        string // the URI in its certificate: "spiffe://…"
	ServerName      string // by which callers ask its proxy for that certificate
	Address         netip.Addr
	Ports           []Port // of the Service; TCP alone
	From            From
}

// LinkerdTarget is what a grant opens.
type LinkerdTarget struct{ Group, Kind, Name string }

// LinkerdStage is a stage of a namespace's way to another mode of mutual TLS: what it has in place of the site's own.
type LinkerdStage struct {
	Namespace, Name string // observe, permissive, strict
	Servers         []LinkerdServer
	Grants          []LinkerdGrant
	Routes          []LinkerdServerRoute
}

// LinkerdGrant admits callers to a Server, or to a route on one. Accounts are told by certificate; Networks admit
// whoever calls from there, without one. With both a caller must have such a certificate and call from there.
type LinkerdGrant struct {
	Namespace, Name string
	Target          LinkerdTarget
	Accounts        []LinkerdAccount
	Networks        []netip.Prefix
	Anonymous       bool           // for callers without a certificate, because the namespace is permissive
	Unproxied       bool           // all of them are of the mesh, and have no proxy yet
	Own             LinkerdAccount // of the pods behind the target, where Anonymous
	Reason          string
	From            From
}

// LinkerdAccount is a ServiceAccount of this cluster, or the identity in the certificate of somebody outside: an account of
// another site, a machine.
type LinkerdAccount struct {
	Namespace, Name, Identity string
	Machine                   bool
	Away                      bool // a pod of another site, which calls without a gateway between
}

// LinkerdLimit bounds the requests that each pod takes on a Server.
type LinkerdLimit struct {
	Namespace, Name, Server string
	PerSecond               int
	From                    From
}

// LinkerdServerRoute tells requests on a Server apart, so that callers may be held to some of them.
type LinkerdServerRoute struct {
	Namespace, Name, Server string
	Host                    string // "": any
	Matches                 []LinkerdMatch
	From                    From
}

// LinkerdMatch is a path and a method.
type LinkerdMatch struct {
	Path   Path
	Method string // "": any
}

// LinkerdRoute is what the callers' proxies do with requests to a Service.
type LinkerdRoute struct {
	Namespace, Name, Service string
	Port                     uint16
	GRPC                     bool     // of calls of gRPC: Methods are none
	Methods                  []string // empty: any
	Backends                 []Weighted
	Annotations              []KV
	From                     From
}

// LinkerdNetwork is addresses outside the cluster.
type LinkerdNetwork struct {
	Namespace, Name string
	Networks        []netip.Prefix // empty: all that is outside
	Allow           bool
	Exits           []LinkerdExit // what may go there all the same
	Reason          string
	From            From
}

// LinkerdExit is what leaves by a port of a network: requests or connections of TLS that ask for a name, or whatever is for the
// port.
type LinkerdExit struct {
	Name    string
	Kind    string   // of the route: HTTPRoute of requests, TLSRoute of handshakes, TCPRoute of streams
	Version string   // of its API
	Hosts   []string // none: whatever name
	Port    uint16
	From    From
}
