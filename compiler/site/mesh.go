package site

import (
	"cmp"
	"slices"
)

// Mesh is the service mesh.
type Mesh struct {
	Kind               string       `json:"kind"`               // istio-sidecar, istio-ambient, linkerd, cilium, consul or none
	Version            string       `json:"version"`            // "1.31.1"; "" for a mesh that comes with something else
	Revision           string       `json:"revision"`           // DNS label; "" for none
	TrustDomain        string       `json:"trustDomain"`        // default "cluster.local"
	TrustDomainAliases []string     `json:"trustDomainAliases"` //
	MTLS               string       `json:"mtls"`               // strict or permissive; default strict
	Encryption         *Encryption  `json:"encryption"`         // options of kind cilium; nil: WireGuard
	CA                 *CA          `json:"ca"`                 // nil: the mesh's own
	Upgrade            *Upgrade     `json:"upgrade"`            // nil: none under way
	Proxy              Proxy        `json:"proxy"`              //
	ControlPlane       ControlPlane `json:"controlPlane"`       //
	Waypoint           *Waypoint    `json:"waypoint"`           // options of kind istio-ambient
	EgressPolicy       string       `json:"egressPolicy"`       // registry-only or allow-any; default registry-only
}

// Encryption is what encrypts packets between the nodes of mesh cilium.
type Encryption struct {
	Kind       string   `json:"kind"`       // wireguard, ipsec or ztunnel; default wireguard
	Secret     string   `json:"secret"`     // with the keys of kind ipsec; "": cilium-ipsec-keys
	KeyOverlap string   `json:"keyOverlap"` // duration, kind ipsec; "": Cilium's own, "5m"
	Namespaces []string `json:"namespaces"` // kind ztunnel: whose pods talk by it
}

// Encrypts is what encrypts packets between nodes: wireguard, ipsec or ztunnel, and "" for a mesh that leaves them as they are.
func (m *Mesh) Encrypts() string {
	switch {
	case m.Kind != "cilium":
		return ""
	case m.Encryption == nil:
		return "wireguard"
	}
	return m.Encryption.Kind
}

// Enrolls reports whether ztunnel of mesh cilium carries what pods of a namespace say to each other.
func (m *Mesh) Enrolls(namespace string) bool {
	return m.Encrypts() == "ztunnel" && slices.Contains(m.Encryption.Namespaces, namespace)
}

// CA is the certificate authority of the mesh. Dates are days, "2034-06-01".
type CA struct {
	Kind                 string       `json:"kind"`                 // builtin, plugin, cert-manager, vault or spire; "" when not given
	Secret               string       `json:"secret"`               // name of the Secret with the intermediate, kind plugin
	RootNotAfter         string       `json:"rootNotAfter"`         // "" when not given
	IntermediateNotAfter string       `json:"intermediateNotAfter"` // "" when not given
	WorkloadTTL          string       `json:"workloadTTL"`          // duration, default "24h"
	TrustAnchor          *TrustAnchor `json:"trustAnchor"`
	Issuer               *Issuer      `json:"issuer"`
	Vault                *VaultCA     `json:"vault"` // options of kind vault
	SPIRE                *SPIREServer `json:"spire"` // options of kind spire with mesh cilium
}

// SPIREServer is the server of SPIRE that mesh cilium brings.
type SPIREServer struct {
	StorageClass string `json:"storageClass"`
	Storage      string `json:"storage"` // quantity, default "1Gi"
}

// Authenticates reports whether agents of mesh cilium authenticate the callers of a namespace's services for each other.
func (s *Site) Authenticates(namespace string) bool {
	ca, n := s.Mesh.CA, s.Namespaces[namespace]
	return s.Mesh.Kind == "cilium" && ca != nil && ca.Kind == "spire" && n != nil && n.Mesh && cmp.Or(n.MTLS, s.Mesh.MTLS) == "strict"
}

// VaultCA is where an authority's keys are in Vault, and how the servers of the mesh come to them.
type VaultCA struct {
	Address             string `json:"address"`             // https, with a port where it is not 443
	Role                string `json:"role"`                // of the auth method
	AuthPath            string `json:"authPath"`            // default "kubernetes"
	RootPKIPath         string `json:"rootPKIPath"`         //
	IntermediatePKIPath string `json:"intermediatePKIPath"` //
	IntermediateTTL     string `json:"intermediateTTL"`     // duration, default "8760h"
	Namespace           string `json:"namespace"`           // of Vault Enterprise; "" for none
	CASecret            string `json:"caSecret"`            // "": authorities that the system trusts
	CAKey               string `json:"caKey"`               // default "ca.crt"
}

// TrustAnchor is a root certificate distributed apart from the mesh.
type TrustAnchor struct {
	ConfigMap string `json:"configMap"`
	NotAfter  string `json:"notAfter"` // day, "" when not given
}

// Issuer is the intermediate that signs workload certificates.
type Issuer struct {
	Secret            string `json:"secret"`
	CertManagerIssuer string `json:"certManagerIssuer"` // "" when the Secret is made by hand
}

// Upgrade is a change of the mesh's version under way.
type Upgrade struct {
	To       string   `json:"to"`       // version
	Revision string   `json:"revision"` // "" for none
	Canary   []string `json:"canary"`   // namespaces that go first
}

// Proxy holds the settings of the data-plane proxies.
type Proxy struct {
	Resources                 *Resources `json:"resources"`                 // nil: the mesh's own
	HoldApplicationUntilReady bool       `json:"holdApplicationUntilReady"` // default false
}

// Resources are a container's requests and limits.
type Resources struct {
	CPU    *ResourceRange `json:"cpu"`
	Memory *ResourceRange `json:"memory"`
}

// ResourceRange is one resource, as quantities. "" means "not given".
type ResourceRange struct {
	Request string `json:"request"`
	Limit   string `json:"limit"`
}

// ControlPlane holds the settings of the mesh's control plane. 0 means "not given".
type ControlPlane struct {
	Replicas     int `json:"replicas"`
	PushThrottle int `json:"pushThrottle"` // concurrent configuration pushes
}

// Waypoint is the size of the layer-7 proxies of an ambient mesh.
type Waypoint struct {
	Replicas  int        `json:"replicas"` // default 2
	Resources *Resources `json:"resources"`
}

// Federation joins this site with others.
type Federation struct {
	Network   string           `json:"network"`   // name of this site's network
	Gateway   string           `json:"gateway"`   // gateway of purpose federation; "": pods of the sites reach each other
	ClusterID int              `json:"clusterID"` // of this cluster among all; 0: not given
	Peers     map[string]*Peer `json:"peers"`     // by site name
	// Consul is how Consul joins the sites; nil: as peers.
	Consul *ConsulFederation `json:"consul"`
	// Linkerd is how Linkerd joins the sites; nil: by gateways.
	Linkerd *LinkerdFederation `json:"linkerd"`
}

// LinkerdFederation is how Linkerd joins sites.
type LinkerdFederation struct {
	Mode string `json:"mode"` // gateway or flat; default gateway
}

// ConsulFederation is how Consul joins sites.
type ConsulFederation struct {
	Mode    string `json:"mode"`    // peering or wan; default peering
	Primary string `json:"primary"` // with mode wan: the site that keeps the root, the access lists and what holds for all
}

// Peer is another site of a federation.
type Peer struct {
	TrustDomain      string   `json:"trustDomain"`
	GatewayAddresses []string `json:"gatewayAddresses"`
	PodCIDRs         []string `json:"podCIDRs"` // where its pods are reached at their own addresses
	Network          string   `json:"network"`
	// Services are those that are called from here, "namespace/name", for a mesh that does not tell by itself.
	Services map[string]*PeerService `json:"services"`
}

// PeerService is a service of another site.
type PeerService struct {
	Ports map[string]*Port `json:"ports"` // as that site has them
}
