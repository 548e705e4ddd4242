package ir

// Mesh is the chosen service mesh.
type Mesh struct {
	Kind           string // istio-sidecar, ...
	Version        string
	Revision       string
	Namespace      string // of its control plane
	ImageHub       string // registry and path of its images (global.hub of the charts); "": the charts' own
	TrustDomain    string
	Migrations     []Migration       // by namespace
	Next           *NextControlPlane // nil: no upgrade is under way
	Aliases        []string          // further trust domains whose identities count as ours
	CA             *CA               // nil: the mesh's own authority
	Waypoint       *Waypoint
	HoldPods       bool // containers start when their proxy is ready
	PushThrottle   int  // configuration pushes at a time; 0: the mesh's own
	Strict         bool // mutual TLS is required mesh-wide
	OwnPolicy      bool // its policies and NetworkPolicies add up, in one agent: what one of them admits is open
	Proxy          Resources
	Replicas       int  // of the control plane
	RegistryOnly   bool // only declared destinations are reachable
	NativeSidecars bool // kubelets run sidecars as init containers that restart: Jobs end
	Tracing        *Tracing
	AccessLogs     string // off, errors, all
	AccessLogsFrom From
	ProxyPorts     ProxyPorts
	From           From
}

// ProxyPorts are the ports of the mesh that others must be let in to. Source: the mesh's profile.
type ProxyPorts struct {
	Metrics        uint16 // merged metrics of proxy and application; not captured by the proxy
	EnvoyMetrics   uint16 // the proxy's own
	Health         uint16 // readiness of the proxy
	Control        uint16 // configuration and certificates, at the control plane
	ControlMetrics uint16
	Webhook        uint16   // injection and validation, called by the API server
	Controls       []uint16 // further ports of the control plane that proxies connect to
	Streams        uint16   // streams between meshed pods arrive at it, requests at their own port; 0: all at their own
	Probes         []uint16 // where kubelets probe proxies, and applications by way of them
	InPods         bool     // Tunnel is a port of the proxy in each pod, not of the node's
	Tunnel         uint16   // all TCP between meshed pods arrives at it, whatever its own port; 0: at its own port
}

// CA is the authority of the mesh. Empty strings and dates are what the site does not say.
type CA struct {
	Kind            string  // builtin, plugin, cert-manager, vault, spire
	Secret          string  // holds the intermediate; kind plugin
	WorkloadTTL     string  // "24h"
	AnchorConfigMap string  // holds the root, distributed apart from the mesh
	IssuerSecret    string  // holds the intermediate that signs
	IssuerRef       string  // cert-manager issuer that renews IssuerSecret; "": made by hand
	Signer          *Signer // nil: the control plane signs, or the mesh has another way
	SPIRE           *SPIRE  // nil: proxies ask somebody else
	From            From
}

// AnchorKey is the key of the ConfigMap that holds the root.
const AnchorKey = "ca-bundle.crt"

// SPIRE is how proxies reach the agents of SPIRE. What runs of it is the cluster's own.
type SPIRE struct {
	Driver string // mounts the agent's socket into pods
	Socket string // file name of the socket there; never that of Istio's own, which a proxy would make if it is not there

	Connections string // statistic of a proxy: its connections to the agent, which it does not export by itself
}

// Signer is the program by which cert-manager signs for workloads, out of an Issuer of the tree over CA.IssuerSecret.
type Signer struct {
	Release                          string // of its chart, and the name of its Service
	Issuer                           string // of cert-manager, in the namespace of the mesh
	ControlPlane, ControlPlaneSecret string // Certificate of the control plane, and the Secret that its pods mount
	Address                          string // "<service>.<namespace>.svc:443", by which proxies ask
	Replicas                         int
}

// Migration is a change of a namespace's mode of mutual TLS, in steps.
type Migration struct {
	Namespace, Stage, Target string // stages: observe, permissive, strict
	Steps                    []MigrationStep
	// Restarts are the workloads that get proxies, callees before callers, where that order matters; else empty.
	Restarts []Restart
	From     From
}

// NextControlPlane is the one that an upgrade leads to, beside the one that runs.
type NextControlPlane struct {
	Version, Revision string
	ImageHub          string
	Namespaces        []string // that go first, and have its proxies
	From              From
}

// Waypoint is the size of the layer-7 proxies of an ambient mesh.
type Waypoint struct {
	Name      string // of the Gateway in each namespace that has one, of its Deployment and account
	Replicas  int
	Selector  []KV // labels of its pods
	Resources Resources
	From      From
}

// Tracing is where spans go.
type Tracing struct {
	Namespace, Service string
	Host               string
	Port               uint16
	SamplingPercent    float64
	From               From
}

// ControlFrom are the site paths behind what proxies ask of whom: the control plane, and who signs beside it.
func (m *Mesh) ControlFrom() From {
	from := m.From.Of("kind")
	if m.CA != nil && m.CA.Signer != nil {
		from = append(from[:len(from):len(from)], m.CA.From...)
	}
	return from
}

// RevisionLabel is the name by which namespaces, pods and Gateways ask for the control plane: that of its revision, or
// "default", which is what Istio's webhooks call a control plane without one.
func (m *Mesh) RevisionLabel() string {
	if m.Revision == "" {
		return "default"
	}
	return m.Revision
}
