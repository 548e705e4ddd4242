package site

// Gateway lets traffic in on virtual addresses.
type Gateway struct {
	Owner                 string               `json:"owner"`                 // "": the site's
	Frontend              string               `json:"frontend"`              // istio or gateway-api; default gateway-api
	Purpose               string               `json:"purpose"`               // ingress or federation; default ingress
	Implementation        *Implementation      `json:"implementation"`        // nil: the mesh's own
	Pool                  string               `json:"pool"`                  // name in Site.Pools
	Addresses             []string             `json:"addresses"`             // virtual addresses out of the pool
	Replicas              int                  `json:"replicas"`              // pods, default 2
	Placement             Placement            `json:"placement"`             //
	ExternalTrafficPolicy string               `json:"externalTrafficPolicy"` // Local or Cluster; default Local
	SourceRanges          []string             `json:"sourceRanges"`          // CIDRs that may connect; empty: anyone
	Listeners             map[string]*Listener `json:"listeners"`             // by name
	Capacity              *GatewayCapacity     `json:"capacity"`              // nil: not given
}

// Implementation is a gateway that does not come with the mesh.
type Implementation struct {
	Kind    string `json:"kind"` // envoy-gateway
	Version string `json:"version"`
}

// Placement says where pods run.
type Placement struct {
	Class  string `json:"class"`  // name in Site.NodeClasses
	Spread string `json:"spread"` // rack or node; default rack
}

// GatewayCapacity is the load that a gateway is sized for.
type GatewayCapacity struct {
	Connections int `json:"connections"` // concurrent, all replicas together
}

// Listener is a port of a gateway.
type Listener struct {
	Port            int    `json:"port"`
	Protocol        string `json:"protocol"`        // http, https, tls, tcp, udp or grpc
	RedirectToHTTPS bool   `json:"redirectToHTTPS"` // answer with a redirect only; default false
	TLS             *TLS   `json:"tls"`             // nil: in the clear
}

// TLS is how a listener treats TLS.
type TLS struct {
	Mode     string `json:"mode"`     // terminate, passthrough or mutual
	Issuer   string `json:"issuer"`   // cert-manager ClusterIssuer that makes the certificate; "" when Secret is given
	Secret   string `json:"secret"`   // Secret with the certificate; "" when Issuer is given
	ClientCA string `json:"clientCA"` // Secret with the CA of the clients, mode mutual
}

// Exposure is a Service of type LoadBalancer that no mesh gateway serves.
type Exposure struct {
	Owner                 string                `json:"owner"` // "": the site's
	Pool                  string                `json:"pool"`
	Addresses             []string              `json:"addresses"`
	Service               string                `json:"service"`               // "namespace/service"
	ExternalTrafficPolicy string                `json:"externalTrafficPolicy"` // Local or Cluster; default Local
	Ports                 map[string]*PlainPort `json:"ports"`                 // by the service's port name
}

// PlainPort is a port number with its protocol.
type PlainPort struct {
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
}

// EgressGateway gives traffic to the outside a fixed source address.
type EgressGateway struct {
	Provider  string          `json:"provider"` // cilium, kube-vip, calico or host
	Addresses []string        `json:"addresses"`
	Placement EgressPlacement `json:"placement"`
	Calico    *CalicoEgress   `json:"calico"` // options of provider calico
}

// CalicoEgress holds what provider calico relies on.
type CalicoEgress struct {
	Licensed bool `json:"licensed"` // Calico is Calico Enterprise or Calico Cloud; default false
}

// EgressPlacement says which nodes carry an EgressGateway.
type EgressPlacement struct {
	Class string `json:"class"`
}

// External is a destination outside the site.
type External struct {
	Hosts     []string              `json:"hosts"`     // DNS names
	Addresses []string              `json:"addresses"` //
	Ports     map[string]*PlainPort `json:"ports"`     // by name
	Via       string                `json:"via"`       // name in Site.EgressGateways; "": from any node
}
