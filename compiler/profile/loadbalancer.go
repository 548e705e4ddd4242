package profile

// LoadBalancer gives Services of type LoadBalancer their addresses and announces them. What is empty it does not have, or
// is not known.
type LoadBalancer struct {
	Namespace         string                          `json:"namespace"`
	CNI               string                          `json:"cni,omitempty"`         // the pod network that it is a part of and released with; "": none
	PodSecurity       string                          `json:"podSecurity,omitempty"` // level that its pods need of their namespace
	Class             string                          `json:"class,omitempty"`       // spec.loadBalancerClass
	Layer2Class       string                          `json:"layer2Class,omitempty"` // the same for what is announced at layer 2; "": Class
	AddressAnnotation string                          `json:"addressAnnotation"`     // on a Service: its addresses, comma-separated
	PoolAnnotation    string                          `json:"poolAnnotation,omitempty"`
	SharingAnnotation string                          `json:"sharingAnnotation,omitempty"`
	MarkAnnotation    Annotation                      `json:"markAnnotation"`             // on a Service, without which it is left alone; Key "": none
	NodeLabel         string                          `json:"nodeLabel,omitempty"`        // on a node, by which it tells its speakers apart
	ExcludeNodeLabel  string                          `json:"excludeNodeLabel,omitempty"` // a node that carries it announces nothing
	DefaultBackend    string                          `json:"defaultBackend,omitempty"`
	ToleratedTaints   []string                        `json:"toleratedTaints,omitempty"` // keys tolerated without values of ours
	PasswordSecret    PasswordSecret                  `json:"passwordSecret"`
	Limits            SessionLimits                   `json:"limits"` // all 0 where none are known
	HostPorts         []Listener                      `json:"hostPorts"`
	Webhooks          []Webhook                       `json:"webhooks,omitempty"` // that API servers call
	Deprecated        []Deprecated                    `json:"deprecated,omitempty"`
	Backends          map[string]*Backend             `json:"backends,omitempty"`
	Releases          map[string]*LoadBalancerRelease `json:"releases"`
	Machines          *Machines                       `json:"machines,omitempty"` // nil: it is no machines in front of the cluster
	Sources           Sources                         `json:"sources"`
}

// Annotation is a key with its value.
type Annotation struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Deprecated is a name that it still reads, or reads no more.
type Deprecated struct {
	Text    string   `json:"text"`
	Instead string   `json:"instead"`
	Kinds   []string `json:"kinds,omitempty"` // of the objects that are meant; none: all
	Source
}

// Release returns the row of a version, or nil.
func (l *LoadBalancer) Release(version string) *LoadBalancerRelease {
	if l == nil {
		return nil
	}
	return release(l.Releases, version)
}

// Lines returns the known release lines, oldest first.
func (l *LoadBalancer) Lines() []string {
	if l == nil {
		return nil
	}
	return lines(l.Releases)
}

// Backend returns an implementation of BGP, the default one for "", or nil.
func (l *LoadBalancer) Backend(name string) *Backend {
	if l == nil {
		return nil
	}
	if name == "" {
		name = l.DefaultBackend
	}
	return l.Backends[name]
}

// PasswordSecret is what the Secret with a session's password must be. Its namespace is the load balancer's own.
type PasswordSecret struct {
	Type string `json:"type"`
	Key  string `json:"key"`
}

// SessionLimits are the bounds of its API on sessions.
type SessionLimits struct {
	BFDIntervalMinMs   int    `json:"bfdIntervalMinMs"`
	BFDIntervalMaxMs   int    `json:"bfdIntervalMaxMs"`
	BFDMultiplierMin   int    `json:"bfdMultiplierMin"`
	BFDMultiplierMax   int    `json:"bfdMultiplierMax"`
	HoldTimeMinSeconds int    `json:"holdTimeMinSeconds"` // 0, no hold time, is allowed besides
	PeerPortMax        uint16 `json:"peerPortMax"`
}

// Listener is a port that a program binds on the host.
type Listener struct {
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"` // tcp, udp
	Use      string `json:"use"`
	Local    bool   `json:"local"` // bound to loopback only
}

// Backend is an implementation of BGP that a load balancer can be run with.
type Backend struct {
	Deprecated       bool   `json:"deprecated"`
	Listens          bool   `json:"listens"` // the node accepts sessions; if not it always dials, and the switch should be passive
	BFD              bool   `json:"bfd"`
	KeepaliveTime    bool   `json:"keepaliveTime"`
	ConnectTime      bool   `json:"connectTime"`
	GracefulRestart  bool   `json:"gracefulRestart"`
	VRF              bool   `json:"vrf"`
	Unnumbered       bool   `json:"unnumbered"`
	IPv6             bool   `json:"ipv6"`
	LargeCommunities bool   `json:"largeCommunities"`
	SessionMetric    string `json:"sessionMetric,omitempty"` // 1 while a session is up; "": not known
	Source
}

// LoadBalancerRelease is one release line.
type LoadBalancerRelease struct {
	Kubernetes Window `json:"kubernetes"` // Min "": not stated
	Chart      Chart  `json:"chart"`      // Name "": it comes with the pod network, or by manifests
	Image      string `json:"image"`      // without a tag; "" where meshgen writes no manifests
	Source
}

// Chart is a Helm chart; its version is that of the release.
type Chart struct {
	Name       string `json:"name"`
	Repository string `json:"repository"`    // https
	OCI        string `json:"oci,omitempty"` // "" where there is none
}

// Gateway is an implementation of the Gateway API for a mesh that has none of its own.
type Gateway struct {
	Namespace  string                     `json:"namespace"`  // of its controller
	Controller string                     `json:"controller"` // GatewayClass.spec.controllerName
	Ports      GatewayPorts               `json:"ports"`
	Charts     GatewayCharts              `json:"charts"`
	Resources  Resources                  `json:"resources"` // of a proxy's container, as its controller sets them
	Releases   map[string]*GatewayRelease `json:"releases"`
	Sources    Sources                    `json:"sources"`
}

// Release returns the row of a version, or nil.
func (g *Gateway) Release(version string) *GatewayRelease {
	if g == nil {
		return nil
	}
	return release(g.Releases, version)
}

// Lines returns the known release lines, oldest first.
func (g *Gateway) Lines() []string {
	if g == nil {
		return nil
	}
	return lines(g.Releases)
}

// GatewayPorts are TCP ports of an implementation.
type GatewayPorts struct {
	Control  uint16 `json:"control"`  // configuration, at the controller
	Metrics  uint16 `json:"metrics"`  // of the proxies, and of the controller
	Health   uint16 `json:"health"`   // readiness of a proxy
	Shutdown uint16 `json:"shutdown"` // where a kubelet that ends a proxy waits until its connections are drained
}

// GatewayCharts are the controller's chart and the one that brings its CRDs alone; a version is "v" and the release.
type GatewayCharts struct {
	Repository string `json:"repository"` // https or oci
	Controller string `json:"controller"`
	CRDs       string `json:"crds"`
}

// GatewayRelease is one release line.
type GatewayRelease struct {
	EOL        string            `json:"eol,omitempty"` // day of its last patch; "" while none is announced
	GatewayAPI Window            `json:"gatewayAPI"`
	Kubernetes *Window           `json:"kubernetes,omitempty"` // nil: not known
	Reads      map[string]string `json:"reads"`                // kind to the one version of its API that is read: "v1alpha2"; others at v1
	Source
}

// Webhook is where API servers call a program.
type Webhook struct {
	Port    uint16 `json:"port"`              // of the pod
	Of      string `json:"of"`                // the program, for people
	Host    bool   `json:"host,omitempty"`    // its pods are in their hosts' network
	Backend string `json:"backend,omitempty"` // what speaks BGP where there is one; "": always
}
