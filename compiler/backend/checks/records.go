package checks

import "meshgen.dev/meshgen/compiler/ir"

// The records of the JSON, each on one line. Fields that are not exported are not written.

type podRange struct {
	Prefix string `json:"prefix"`
	Length int    `json:"length"`
}

type vip struct {
	Address  string `json:"address"`
	Pool     string `json:"pool"`
	Protocol string `json:"protocol"` // "bgp", "l2"; "" when somebody else routes it
	Gateway  string `json:"gateway,omitempty"`
	Exposure string `json:"exposure,omitempty"`
	Local    bool   `json:"local"`
	from     ir.From
}

type switchHead struct {
	Name string `json:"name"`
	Role string `json:"role"`
	Rack string `json:"rack,omitempty"`
	OS   string `json:"os"`
	ASN  uint32 `json:"asn"`
}

type poolPaths struct {
	Pool   string    `json:"pool"`
	Family ir.Family `json:"family"`
	All    int       `json:"all"`
}

type session struct {
	Peer      string      `json:"peer"`
	Address   string      `json:"address,omitempty"`
	Interface string      `json:"interface,omitempty"`
	Local     string      `json:"local,omitempty"` // the switch's own address, where nodes connect
	ASN       uint32      `json:"asn"`
	Families  []ir.Family `json:"families"`
	BFD       bool        `json:"bfd"`
	from      ir.From
}

type hostHead struct {
	Name      string   `json:"name"`
	Rack      string   `json:"rack"`
	Class     string   `json:"class"`
	OS        string   `json:"os"`
	Nodes     []string `json:"nodes"`
	Daemon    string   `json:"daemon"`
	MaxOffset string   `json:"maxOffset"`
	Settings  int      `json:"settings"` // place in the list of that name; -1 for none
}

type source struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Fellow  bool   `json:"fellow,omitempty"` // both keep the time of a site that is cut off
}

type gateway struct {
	Name      string   `json:"name"`
	Namespace string   `json:"namespace"`
	Service   string   `json:"service"`
	Selector  string   `json:"selector"`
	Replicas  int      `json:"replicas"`
	Class     string   `json:"class"`
	Racks     []string `json:"racks"`
	Addresses []string `json:"addresses"`        // of the Service's status; none where balancers outside have them
	Config    string   `json:"config,omitempty"` // GatewayClassConfig that Consul's controller makes the pods by, in a Deployment called as the gateway
}

type service struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Selector  string `json:"selector"`
}

type objects struct {
	Kind      string   `json:"kind"` // as kubectl takes it: "BGPPeer.v1beta2.metallb.io"
	Namespace string   `json:"namespace,omitempty"`
	Names     []string `json:"names"`
	from      []string
}

type configuration struct {
	Namespace string `json:"namespace"`
	ConfigMap string `json:"configMap"`
	Key       string `json:"key"`
	Value     string `json:"value"`
}

type encryption struct {
	Kind string `json:"kind"`
	Mode string `json:"mode"` // as "cilium-dbg encrypt status" calls it

	Namespaces []string `json:"namespaces,omitempty"` // whose pods take part, and no others
	Label      string   `json:"label,omitempty"`      // that they have
	DaemonSet  string   `json:"daemonSet,omitempty"`  // of the proxies that encrypt
}

type authentication struct {
	Namespace   string `json:"namespace"`   // of SPIRE
	DaemonSet   string `json:"daemonSet"`   // of its agents
	StatefulSet string `json:"statefulSet"` // of its server
}

type mark struct {
	Namespace   string            `json:"namespace"`
	Service     string            `json:"service"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type egress struct {
	Name      string         `json:"name"` // in the site's egressGateways
	Provider  string         `json:"provider"`
	Sources   []egressSource `json:"sources"`
	Kind      string         `json:"kind,omitempty"` // as kubectl takes it
	Object    string         `json:"object,omitempty"`
	Namespace string         `json:"namespace,omitempty"`
	Selector  string         `json:"selector,omitempty"`
	Replicas  int            `json:"replicas,omitempty"`
	Nodes     []string       `json:"nodes,omitempty"`
	Service   string         `json:"service,omitempty"`
	from      ir.From
}

type egressSource struct {
	Address string `json:"address"`
	Node    string `json:"node,omitempty"`
}
