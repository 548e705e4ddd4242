package ir

import "net/netip"

// Frontends of a gateway: the API of its routes.
const (
	FrontendIstio      = "istio"
	FrontendGatewayAPI = "gateway-api"
)

// ObjectRef names an object in the namespace of who refers to it. Group "" is the core group; Name "" is no object.
type ObjectRef struct{ Group, Kind, Name string }

// Gateway is one way into the mesh.
type Gateway struct {
	Name           string
	Owner          string
	Namespace      string
	Release        string    // Helm release, Deployment and Service name
	OwnService     string    // of the Service that has the addresses, where that is not called as Release
	Frontend       string    // "istio" or "gateway-api"
	APIClass       string    // gatewayClassName; "" with frontend istio
	Parameters     ObjectRef // what the Gateway API has no words for, in the words of who deploys it
	Program        Program   // that serves it where the mesh has none of its own
	Labels         []KV      // of the Gateway object
	RouteVersions  []KV      // by kind of route: the version of its API, where that is not v1
	Pool           string
	VIPs           []netip.Addr
	Replicas       int
	Class          string   // node class that its pods run on
	Racks          []string // whose nodes they may run on: those that announce the pool and have such nodes
	Image          string   // of its pods, without a tag; "": that of the program
	PullSecret     string   // of the registry that its image comes from; "" for none
	RouteFilters   string   // API group of RouteTimeoutFilter and RouteRetryFilter, called as the service is; "": routes have fields
	ByNodes        bool     // it has no pods: the proxy of each node that takes its traffic serves it
	NoTimeout      string   // what a route without a timeout says, where who serves it has one of its own; "": nothing
	ByService      bool     // its pods send to the addresses of Services, and the mesh's proxy beside them to pods: splits are the mesh's
	SpreadKey      string   // topology key over which the pods are spread
	Tolerations    []Taint
	Local          bool           // externalTrafficPolicy
	SourceRanges   []netip.Prefix // who may connect at all; empty for everybody
	LBClass        string
	NodePorts      bool           // the Service is of type NodePort with fixed numbers, to which balancers outside lead
	HealthPort     uint16         // fixed node port of kube-proxy's answer whether a node has a ready pod; 0: none
	ProxyProtocol  bool           // every connection begins with a PROXY header, which tells the client's address
	Via            []netip.Prefix // who opens connections in place of the clients; empty: the clients themselves
	ViaFrom        From
	Annotations    []KV // of the Service
	Selector       []KV // labels of its pods
	Connections    int
	Resources      Resources
	PodSysctls     []Sysctl // safe ones, for its pods' own network namespace
	Listeners      []Listener
	ServiceAccount string
	From           From

	ClassParameters ObjectRef // as Parameters, for who takes them at the class alone, of which the gateway then has its own
	Infrastructure  []KV      // annotations that who deploys it copies to the Service
}

// Program is a gateway program that does not come with the mesh; Kind "": the mesh's own.
type Program struct {
	Kind, Version string // "envoy-gateway", "1.9.3"
	Namespace     string // of its controller
	Controller    string // controllerName of its GatewayClass, whose name is Kind
	ControlPort   uint16 // configuration, at the controller
	MetricsPort   uint16 // of proxies and controller
	HealthPort    uint16 // readiness of a proxy
	ShutdownPort  uint16 // where a kubelet that ends a proxy waits until its connections are drained
	Zones         bool   // a webhook tells each proxy the zone of its node: it is asked about every pod of the cluster that gets one
	From          From
}

// Listener is a port of a gateway.
type Listener struct {
	Name     string
	Port     uint16
	Target   uint16 // of the pods; 0: Port
	NodePort uint16 // fixed; 0: Kubernetes deals one out
	Protocol string // http, https, tls, tcp
	Redirect bool   // answers with a redirect to HTTPS
	TLS      *TLS
	Hosts    []ListenerHost // by host name
	From     From
}

// TLS is how a listener ends it.
type TLS struct {
	Mode     string // terminate, mutual, passthrough, auto-passthrough
	Secret   string // of the certificate, in the gateway's namespace
	ClientCA string // Secret of the clients' authority; mutual only
	Issuer   string // cert-manager issuer that makes Secret; "" when it exists already
	From     From
}

// ListenerHost is a host name that a listener answers to and the namespaces whose routes may use it.
type ListenerHost struct {
	Host       string
	Namespaces []string
	From       From
}

// Resources of a container; empty strings where nothing is set.
type Resources struct {
	CPURequest, CPULimit, MemoryRequest, MemoryLimit string
	From                                             From
}

// ServiceName is the name of the Service that has the addresses.
func (g *Gateway) ServiceName() string {
	if g.OwnService != "" {
		return g.OwnService
	}
	return g.Release
}

// ContainerPort is the port of the pods behind a listener.
func (l *Listener) ContainerPort() uint16 {
	if l.Target != 0 {
		return l.Target
	}
	return l.Port
}
