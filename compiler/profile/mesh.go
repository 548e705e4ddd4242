package profile

// Mesh is one service mesh in one data-plane mode.
type Mesh struct {
	Component               string                  `json:"component"`               // the product, "istio"
	Namespace               string                  `json:"namespace"`               // of its control plane
	NativeSidecarKubernetes string                  `json:"nativeSidecarKubernetes"` // the lowest kubelet, on every node, with which sidecars are native
	ClockToleranceSeconds   int                     `json:"clockToleranceSeconds"`   // how far a clock may be behind
	Certificates            Certificates            `json:"certificates"`
	Ports                   MeshPorts               `json:"ports"`
	UncapturedPorts         []uint16                `json:"uncapturedPorts"` // inbound ports that the proxy leaves alone: plaintext under strict mTLS
	PodPorts                []uint16                `json:"podPorts"`        // that the proxy binds in the pod
	Modules                 []Module                `json:"modules"`
	ProxyResources          Resources               `json:"proxyResources"`    // the chart's defaults
	GatewayResources        Resources               `json:"gatewayResources"`  // the chart's defaults
	ControlPlaneAhead       int                     `json:"controlPlaneAhead"` // minor releases that it may be ahead of the data plane
	RetryOn                 map[string]string       `json:"retryOn"`           // retries.on: our word to the mesh's
	Capabilities            map[string]*Capability  `json:"capabilities"`      // by field of an intent: "retries.attempts"
	Releases                map[string]*MeshRelease `json:"releases"`
	Sources                 Sources                 `json:"sources"`
}

// Release returns the row of a version, or nil.
func (m *Mesh) Release(version string) *MeshRelease {
	if m == nil {
		return nil
	}
	return release(m.Releases, version)
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

// MeshPorts are TCP ports of proxies and control plane.
type MeshPorts struct {
	Outbound       uint16 `json:"outbound"`       // captures what a pod sends
	Inbound        uint16 `json:"inbound"`        // captures what a pod receives
	Metrics        uint16 `json:"metrics"`        // merged metrics of proxy and application, and rewritten probes
	ProxyMetrics   uint16 `json:"proxyMetrics"`   // the proxy's own
	Health         uint16 `json:"health"`         // readiness of the proxy
	Control        uint16 `json:"control"`        // configuration and certificates, at the control plane
	ControlMetrics uint16 `json:"controlMetrics"` // at the control plane
	ControlHealth  uint16 `json:"controlHealth"`  // readiness of the control plane
	Webhook        uint16 `json:"webhook"`        // injection and validation: the pod's port
	EastWest       uint16 `json:"eastWest"`       // between clusters, at a gateway
}

// Certificates is the life of a workload certificate.
type Certificates struct {
	Hours   int     `json:"hours"`
	RenewAt float64 `json:"renewAt"` // the part of its life after which it is renewed
}

// Resources are a container's requests and limits, as quantities.
type Resources struct {
	CPU    Quantities `json:"cpu"`
	Memory Quantities `json:"memory"`
}

// Quantities is one resource, "100m" or "128Mi".
type Quantities struct {
	Request string `json:"request"`
	Limit   string `json:"limit"`
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
	GA         string         `json:"ga"`            // day of its first release
	EOL        string         `json:"eol,omitempty"` // day of its last patch; "" while none is announced
	LastPatch  string         `json:"lastPatch"`     // the newest known on Date
	Kubernetes Window         `json:"kubernetes"`    // supported
	Envoy      string         `json:"envoy"`         // release line of its proxy
	GatewayAPI MeshGatewayAPI `json:"gatewayAPI"`
	Charts     MeshCharts     `json:"charts"`
	Hub        string         `json:"hub"` // registry and path of its images
	Source
}

// MeshGatewayAPI is what a release takes of the Gateway API.
type MeshGatewayAPI struct {
	BuiltOn string            `json:"builtOn"`
	Minimum map[string]string `json:"minimum"` // kind to the lowest bundle with which it is not ignored
	Maximum map[string]string `json:"maximum"` // kind to the highest
}

// Watches reports whether a kind of the Gateway API is taken from a bundle of this version.
func (g MeshGatewayAPI) Watches(kind, bundle string) bool {
	if !AtLeast(bundle, g.Minimum[kind]) {
		return false
	}
	max := g.Maximum[kind]
	return max == "" || CompareVersions(bundle, max) <= 0
}

// MeshCharts names the charts of a release. Their version is that of the mesh.
type MeshCharts struct {
	Repository string `json:"repository"` // https
	OCI        string `json:"oci"`        // the same charts; the name follows after a slash
	Base       string `json:"base"`
	Control    string `json:"control"`
	CNI        string `json:"cni"`
	Gateway    string `json:"gateway"`
}
