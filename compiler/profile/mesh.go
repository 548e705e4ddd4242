package profile

// Mesh is one service mesh in one data-plane mode.
type Mesh struct {
	Component               string                  `json:"component"`                         // the product, "istio"
	Namespace               string                  `json:"namespace"`                         // of its control plane
	CNI                     string                  `json:"cni,omitempty"`                     // the pod network that it is a part of and released with; "": none
	Proxies                 string                  `json:"proxies"`                           // "pod": one in each; "node": one that its pods share
	ProxyContainer          string                  `json:"proxyContainer,omitempty"`          // of the proxy in each meshed pod; "": none
	NativeSidecarKubernetes string                  `json:"nativeSidecarKubernetes,omitempty"` // the lowest kubelet, on every node, with which sidecars are native; "": they never are, or there are none
	Kernel                  KernelFloor             `json:"kernel"`                            // Min "": nothing is stated
	Kernels                 map[string]string       `json:"kernels,omitempty"`                 // floors of single features: "wireguard"
	ClockToleranceSeconds   int                     `json:"clockToleranceSeconds,omitempty"`   // how far a clock may be behind; 0: it makes no certificates for workloads
	Certificates            Certificates            `json:"certificates"`
	Ports                   MeshPorts               `json:"ports"`
	Signer                  *Signer                 `json:"signer,omitempty"`          // nil: the control plane signs alone
	SPIRE                   *SPIRE                  `json:"spire,omitempty"`           // nil: it cannot sign
	Vault                   *Vault                  `json:"vault,omitempty"`           // nil: it cannot sign
	UncapturedPorts         []uint16                `json:"uncapturedPorts,omitempty"` // inbound ports that the proxy leaves alone: plaintext under strict mTLS
	PodPorts                []uint16                `json:"podPorts,omitempty"`        // that the proxy binds in the pod
	Modules                 []Module                `json:"modules,omitempty"`
	ProxyResources          Resources               `json:"proxyResources"`              // the chart's defaults; "" where it sets none
	GatewayResources        Resources               `json:"gatewayResources"`            // the chart's defaults
	Way                     Way                     `json:"way"`                         // of a request between two pods
	Use                     *Use                    `json:"use,omitempty"`               // of one proxy; nil: nothing was published
	ControlPlaneAhead       int                     `json:"controlPlaneAhead,omitempty"` // minor releases that it may be ahead of the data plane
	RetryOn                 map[string]string       `json:"retryOn,omitempty"`           // retries.on: our word to the mesh's
	RetryOnGRPC             map[string]string       `json:"retryOnGRPC,omitempty"`       // the same for calls of gRPC, codes with commas; empty: as for requests
	Retired                 []Retired               `json:"retired,omitempty"`
	Capabilities            map[string]*Capability  `json:"capabilities"` // by field of an intent: "retries.attempts"
	Releases                map[string]*MeshRelease `json:"releases"`
	Sources                 Sources                 `json:"sources"`
}

// Retired is a registry or repository that is frozen, closed or about to be.
type Retired struct {
	Location string `json:"location"` // matched as a part of what a site gives
	Instead  string `json:"instead"`
	Why      string `json:"why"`             // what has become of it
	Since    string `json:"since,omitempty"` // nothing of this release or a later one was ever published there; "": not so
	Source
}

// Release returns the row of a version, or nil.
func (m *Mesh) Release(version string) *MeshRelease {
	if m == nil {
		return nil
	}
	return release(m.Releases, version)
}

// NativeSidecars reports whether the proxies of a release are native sidecars where all kubelets have this version.
func (m *Mesh) NativeSidecars(version, kubernetes string) bool {
	if m == nil || m.NativeSidecarKubernetes == "" || !AtLeast(kubernetes, m.NativeSidecarKubernetes) {
		return false
	}
	row := m.Release(version)
	return row == nil || !row.OrdinarySidecars
}

// Lines returns the known release lines, oldest first.
func (m *Mesh) Lines() []string {
	if m == nil {
		return nil
	}
	return lines(m.Releases)
}

// Capability returns how a field of an intent is met; a field without a row is not met.
func (m *Mesh) Capability(field string) Capability {
	if m != nil && m.Capabilities[field] != nil {
		return *m.Capabilities[field]
	}
	return Capability{Cell: Cell{Support: None, Limits: "this mesh has nothing for it"}}
}

// MeshPorts are TCP ports of proxies and control plane; 0 where there is none, or none is known.
type MeshPorts struct {
	Outbound       uint16   `json:"outbound"`           // captures what a pod sends
	Inbound        uint16   `json:"inbound"`            // captures what a pod receives
	Controls       []uint16 `json:"controls,omitempty"` // further ones at the control plane that proxies connect to
	Streams        uint16   `json:"streams"`            // where streams between meshed pods arrive on the wire
	SidecarTunnel  uint16   `json:"sidecarTunnel"`      // the same as Tunnel, where the proxy in the pod takes it
	Probes         []uint16 `json:"probes"`             // where kubelets probe proxies, and applications by way of them
	Tunnel         uint16   `json:"tunnel"`             // where TCP between meshed pods arrives on the wire
	Metrics        uint16   `json:"metrics"`            // merged metrics of proxy and application, and rewritten probes
	ProxyMetrics   uint16   `json:"proxyMetrics"`       // the proxy's own
	Health         uint16   `json:"health"`             // readiness of the proxy
	Control        uint16   `json:"control"`            // configuration and certificates, at the control plane
	ControlMetrics uint16   `json:"controlMetrics"`     // at the control plane
	ControlHealth  uint16   `json:"controlHealth"`      // readiness of the control plane
	Webhook        uint16   `json:"webhook"`            // injection and validation: the pod's port
	EastWest       uint16   `json:"eastWest"`           // between clusters, at a gateway
}

// Signer is the program by which cert-manager signs for workloads of a mesh.
type Signer struct {
	Chart                 string `json:"chart"`
	Repository            string `json:"repository"`
	Version               string `json:"version"`               // of the chart and the program, "v0.17.0"
	Port                  uint16 `json:"port"`                  // of its pods: requests for certificates
	ClockToleranceSeconds int    `json:"clockToleranceSeconds"` // how far a clock may be behind
}

// SPIRE is how SPIRE signs for a mesh.
type SPIRE struct {
	Driver                string     `json:"driver,omitempty"`        // mounts the socket of an agent that the cluster brings into pods
	Socket                string     `json:"socket,omitempty"`        // file name of the socket there
	WorkloadHours         int        `json:"workloadHours,omitempty"` // life of a certificate, where the mesh brings SPIRE; 0: the site says
	HostPorts             []Listener `json:"hostPorts,omitempty"`     // what listens on each node, where the mesh brings SPIRE
	ClockToleranceSeconds int        `json:"clockToleranceSeconds"`   // how far a clock may be behind
}

// Vault is what its PKI engine does for the servers of a mesh.
type Vault struct {
	ClockToleranceSeconds int `json:"clockToleranceSeconds"` // how far a clock may be behind
}

// Certificates is the life of a workload certificate.
type Certificates struct {
	Hours   int     `json:"hours"`
	RenewAt float64 `json:"renewAt,omitempty"` // the part of its life after which it is renewed; 0: not known
}

// Resources are a container's requests and limits, as quantities.
type Resources struct {
	CPU    Quantities `json:"cpu"`
	Memory Quantities `json:"memory"`
}

// Quantities is one resource, "100m" or "128Mi".
type Quantities struct {
	Request string `json:"request,omitempty"`
	Limit   string `json:"limit,omitempty"`
}

// Module is a kernel module and what it is for.
type Module struct {
	Name          string `json:"name"`
	Use           string `json:"use"`
	Encapsulation string `json:"encapsulation,omitempty"` // of the pod network that needs it; "" for all
}

// Support is how well something is met.
type Support string

// The grades of support.
const (
	Full    Support = "full"    // as the language defines it
	Limited Support = "limited" // with the limits that the cell names
	None    Support = "none"    // it cannot be
)

// Cell says how something is met: by which resource and field, and with what limits.
type Cell struct {
	Support Support `json:"support"`
	By      string  `json:"by,omitempty"`
	Limits  string  `json:"limits,omitempty"`
}

// Capability is how one field of an intent is met, by the mesh's own resources and where a gateway has frontend
// "gateway-api".
type Capability struct {
	Cell
	GatewayAPI *Cell `json:"gatewayAPI,omitempty"` // nil: the same
	Source
}

// For returns the cell of a frontend: "istio", "gateway-api", or "" for traffic between services.
func (c Capability) For(frontend string) Cell {
	if frontend == "gateway-api" && c.GatewayAPI != nil {
		return *c.GatewayAPI
	}
	return c.Cell
}

// MeshRelease is one release line of a mesh.
type MeshRelease struct {
	GA         string         `json:"ga,omitempty"`        // day of its first release; "": not known
	EOL        string         `json:"eol,omitempty"`       // day of its last patch; "" while none is announced
	LastPatch  string         `json:"lastPatch,omitempty"` // the newest known on Date
	Edge       string         `json:"edge,omitempty"`      // the release that it is where only edge releases are published
	Kubernetes Window         `json:"kubernetes"`          // supported
	Envoy      string         `json:"envoy,omitempty"`     // release line of its proxy; "": another
	GatewayAPI MeshGatewayAPI `json:"gatewayAPI"`
	Charts     MeshCharts     `json:"charts"`
	Hub        string         `json:"hub,omitempty"` // registry and path of its images
	// OrdinarySidecars: proxies are ordinary containers, whatever kubelets can, as by the defaults of its charts.
	OrdinarySidecars bool `json:"ordinarySidecars,omitempty"`
	Source
}

// MeshGatewayAPI is what a release takes of the Gateway API; BuiltOn is "" where nothing is known.
type MeshGatewayAPI struct {
	BuiltOn string            `json:"builtOn"`
	Window  *Window           `json:"window,omitempty"` // bundles that it accepts as a whole; nil: any, kind by kind
	Minimum map[string]string `json:"minimum"`          // kind to the lowest bundle with which it is not ignored
	Maximum map[string]string `json:"maximum"`          // kind to the highest
	Reads   map[string]string `json:"reads"`            // kind to the one version of its API that is read: "v1alpha2"
}

// Watches reports whether a kind of the Gateway API is taken from a bundle of this version.
func (g MeshGatewayAPI) Watches(kind, bundle string) bool {
	if !AtLeast(bundle, g.Minimum[kind]) {
		return false
	}
	max := g.Maximum[kind]
	return max == "" || CompareVersions(bundle, max) <= 0
}

// MeshCharts names the charts of a release. A name is "" where there is no such chart, and all are where the mesh comes with the pod network.
type MeshCharts struct {
	Repository string           `json:"repository"`        // https
	OCI        string           `json:"oci,omitempty"`     // the same charts; the name follows after a slash
	Version    string           `json:"version,omitempty"` // of the charts; "": that of the mesh
	Base       string           `json:"base,omitempty"`    // CRDs
	Control    string           `json:"control"`           // control plane
	CNI        string           `json:"cni,omitempty"`     // plug-in beside the pod network
	Ztunnel    string           `json:"ztunnel,omitempty"` // proxy of a node
	Gateway    string           `json:"gateway,omitempty"`
	GatewayAPI *ChartGatewayAPI `json:"gatewayAPI,omitempty"`
}

// ChartGatewayAPI is a value of a chart that decides whether it brings CRDs of the Gateway API.
type ChartGatewayAPI struct {
	Chart   string `json:"chart"`
	Value   string `json:"value"`
	Bundle  string `json:"bundle,omitempty"` // that it brings
	Default bool   `json:"default"`          // it does so unless told otherwise
}
