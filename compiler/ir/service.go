package ir

import "net/netip"

// Service is one workload with the Service in front of it. meshgen makes neither: it refers to both.
type Service struct {
	Namespace      string
	Name           string
	Host           string // "api.payments.svc.cluster.local"
	ServiceAccount string
	Identity       string       // SPIFFE path "<trust domain>/ns/<namespace>/sa/<account>"; "" when not meshed
	Labels         []KV         // of its pods
	Addresses      []netip.Addr // of a machine outside the cluster; Workload VM
	Workload       string       // Deployment, StatefulSet, DaemonSet, Job, CronJob, VM
	Headless       bool
	Meshed         bool
	Waypoint       string // identity of the layer-7 proxy that all requests of meshed callers pass; "": they go straight to the pods
	Permissive     bool   // takes callers without an identity
	Migrating      bool   // its namespace's mode is being changed: every stage has the same objects, some of which say nothing
	Unproxied      bool   // its declared callers of the mesh may be without a proxy yet, and are taken without an identity too
	Ports          []Port // by name
	Health         *Health
	Exposes        []Expose
	Callers        []Caller // who may reach it, by kind, namespace, name
	Callees        []Callee // what it may reach inside, by namespace and name
	Peers          []Caller // who may reach it from other sites, through the gateway of the federation; none has pods here
	Away           []Away   // what it may reach of other sites
	Externals      []string // names of the external destinations that it may reach
	Timeout        *Duration
	Retries        *Retries
	Split          []Weighted // where calls to it go; empty: to itself
	RateLimit      *RateLimit
	Fault          *Fault
	JWT            *JWT
	Outlier        *Outlier // its own, or that of the service whose split sends traffic here
	From           From
	EdgesFrom      From // From, and what decides its callers, callees and destinations outside: behind its policies as a whole
}

// Machine is the workload of a service that is no pod but machines outside the cluster.
const Machine = "VM"

// Blocks are the addresses of machines, each by itself; none for pods.
func Blocks(in []netip.Addr) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range in {
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return out
}

// Port of a service.
type Port struct {
	Name       string
	Port       uint16
	TargetPort uint16
	Protocol   string // http https tls tcp udp grpc
	From       From
}

// Health is the endpoint that kubelets probe.
type Health struct {
	Port uint16
	Path string
	From From
}

// Expose is a route from a gateway.
type Expose struct {
	Gateway   string
	Listeners []string // names of the listeners that carry it
	Host      string
	Path      Path
	Port      Port // of the service
	From      From
}

// Path is a match on a request's path: a prefix of whole segments, or exact.
type Path struct {
	Value string // "/v1"; "/" as a prefix is everything
	Exact bool
}

// Caller is somebody who may reach a service.
type Caller struct {
	Kind           string // "service" or "gateway"
	Namespace      string
	Name           string
	ServiceAccount string
	Identity       string       // "" for a caller without a certificate
	Labels         []KV         // of its pods
	Addresses      []netip.Addr // of machines outside the cluster; none: it is pods
	Ports          []Port       // of the callee that it may reach
	Methods        []string     // empty: all
	Paths          []Path       // empty: all
	Hosts          []string     // gateways: the host names of the routes
	Tunnel         bool         // its TCP arrives at the mesh's tunnel port; from its own pods or, where the callee has one, from the waypoint
	Plain          bool         // its TCP may arrive at the callee's own ports besides: one of both may have no proxy yet
	Why            string       // "calls", "allow", "expose", "split"
	Peer           string       // the site that it is of; "" for this one
	From           From
}

// OfMesh reports whether a caller is pods that the mesh gives a proxy. A gateway is one itself.
func (c *Caller) OfMesh() bool {
	return c.Kind == "service" && c.Identity != "" && len(c.Addresses) == 0
}

// Callee is a service that may be reached.
type Callee struct {
	Through   *Passage     // pods of the mesh that TCP to it passes on its way; nil: none
	Addresses []netip.Addr // of machines outside the cluster; none: it is pods
	Namespace string
	Name      string
	Tunnel    bool // TCP goes to the mesh's tunnel port
	Plain     bool // TCP may go to its own ports besides: one of both may have no proxy yet
	Waypoint  bool // of its namespace's waypoint, and not of its own pods
	Host      string
	Labels    []KV
	Ports     []Port
	Why       string
	From      From
}

// Weighted is a share of a split, in percent.
type Weighted struct {
	Namespace, Name, Host string
	Weight                int
	From                  From
}

// Duration is a time span as every mesh reads it: one whole number and a unit ("5s", "2500ms").
type Duration struct {
	Text string
	From From
}

// Retries is when and how often a failed request is sent again. Empty Methods: whatever the method.
type Retries struct {
	Attempts      int
	PerTryTimeout string   // "" for none
	On            []string // connect-failure refused-stream reset gateway-error 5xx
	Methods       []string
	From          From
}

// Outlier is when an endpoint is taken out of the rotation.
type Outlier struct {
	Consecutive5xx     int
	Interval           string
	BaseEjectionTime   string
	MaxEjectionPercent int
	From               From
}

// RateLimit bounds the requests that one pod takes.
type RateLimit struct {
	PerSecond int
	From      From
}

// Fault holds requests back on purpose, until a day that the site names and vet watches.
type Fault struct {
	DelayPercent float64
	Delay        string // "2s"
	From         From
}

// JWT is a token that callers must bring. Audiences: one of them must be in it; empty: any will do.
type JWT struct {
	Issuer    string // URL
	Audiences []string
	KeysURI   string    // where the issuer's keys are; "": the mesh asks the issuer
	Keys      *External // what the service's own proxy reaches for them; nil: the control plane fetches them
	From      From
}

// External is a destination outside the cluster.
type External struct {
	Name      string
	Hosts     []string
	Addresses []netip.Prefix // single addresses as /32 or /128
	Ports     []Port
	Users     []ExternalUser // services that may reach it, by namespace and name
	Via       string         // egress gateway on the way; "": none, packets leave with the address of the pod's node
	Sources   []netip.Addr   // with which packets leave by Via

	Through     *Passage // pods of the mesh that TCP to it passes on its way; nil: none, it comes from the pods that ask
	SourcesFrom From
	From        From
}

// Passage is pods of the mesh that traffic for the outside goes through.
type Passage struct {
	Namespace, Name string // of their Deployment
	Selector        []KV
	Port            uint16 // at which proxies reach them
}

// UsersIn are the site paths by which services of a namespace declare the destination; none: none of them does.
func (x *External) UsersIn(namespace string) From {
	var from From
	for _, u := range x.Users {
		if u.Namespace == namespace {
			from = append(from, u.From...)
		}
	}
	return from
}

// ExternalUser is a service that declares the destination.
type ExternalUser struct {
	Namespace, Name string
	Labels          []KV
	From            From
}
