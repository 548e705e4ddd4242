package site

// Node is one machine. What it does not say holds as its class says.
type Node struct {
	Class           string            `json:"class"`           // name in Site.NodeClasses
	Address         Strings           `json:"address"`         // InternalIP, one an address family
	OS              string            `json:"os"`              // "": that of the class
	Kernel          string            `json:"kernel"`          // "": that of the class
	Labels          map[string]string `json:"labels"`          // further node labels
	Links           map[string]string `json:"links"`           // ToR name → interface, homing unnumbered
	EgressAddresses []string          `json:"egressAddresses"` // fixed source addresses that this node may use
}

// NodeClass is a kind of machine.
type NodeClass struct {
	ControlPlane          bool                `json:"controlPlane"` // default false
	Schedulable           *bool               `json:"schedulable"`  // ordinary pods may run here; nil: not given
	OS                    string              `json:"os"`           // "debian12", "ubuntu24.04", "talos1.12"
	Kernel                string              `json:"kernel"`       // uname -r
	Cores                 int                 `json:"cores"`        // logical CPUs
	Memory                string              `json:"memory"`       // quantity, "128Gi"
	NIC                   NIC                 `json:"nic"`
	MaxPods               int                 `json:"maxPods"`               // kubelet's limit; 0: not given
	HugePages             *HugePages          `json:"hugePages"`             // nil: none
	ProtectKernelDefaults bool                `json:"protectKernelDefaults"` // default false
	Taints                []string            `json:"taints"`                // "key=value:Effect"
	Refclocks             []Refclock          `json:"refclocks"`             // hardware clocks in the machine
	Networks              map[string]*Network `json:"networks"`              // further networks, by purpose
	Capacity              *NodeCapacity       `json:"capacity"`              // nil: as Site.Capacity says
}

// HugePages is memory that a machine sets aside.
type HugePages struct {
	Size  string `json:"size"` // 2Mi or 1Gi
	Count int    `json:"count"`
}

// NIC is the interface that carries the node network.
type NIC struct {
	Interface          string   `json:"interface"`          // at most 15 characters
	Speed              string   `json:"speed"`              // bit rate, "25Gbps"
	Members            []string `json:"members"`            // of a bond
	Mode               string   `json:"mode"`               // Linux bonding mode; "" when not given
	HardwareTimestamps bool     `json:"hardwareTimestamps"` // default false
	Ring               *Ring    `json:"ring"`               // nil: as the driver has it
	RPS                string   `json:"rps"`                // hash or flow; "": no receive packet steering
}

// Ring is the size of a card's rings, in packets.
type Ring struct {
	RX int `json:"rx"`
	TX int `json:"tx"` // 0: as the driver has it
}

// Refclock is a reference clock in a machine.
type Refclock struct {
	Kind   string `json:"kind"`   // phc or pps
	Device string `json:"device"` // "/dev/ptp0"
}

// Network is a network of a node class besides the node network.
type Network struct {
	Interface string `json:"interface"`
	CIDR      string `json:"cidr"`
	MTU       int    `json:"mtu"` // bytes; 0: that of the fabric
}

// NodeCapacity overrides parts of Capacity for one node class. 0 means "not given".
type NodeCapacity struct {
	PodsPerNode       int `json:"podsPerNode"`
	ConnectionsPerPod int `json:"connectionsPerPod"`
}

// Time is where clocks come from and how well they must agree.
type Time struct {
	Daemon    string                 `json:"daemon"`    // chrony or ntpd; default chrony
	Sources   map[string]*TimeSource `json:"sources"`   // by name
	MaxOffset string                 `json:"maxOffset"` // duration above which an alert fires, default "100ms"
	Isolation *Isolation             `json:"isolation"` // nil: no provision for a lost backhaul
}

// TimeSource is an NTP server.
type TimeSource struct {
	Address  string `json:"address"`
	Hostname string `json:"hostname"` // name in its certificate; "" when not given
	Upstream string `json:"upstream"` // where its time comes from: equal names are one independent source
	NTS      bool   `json:"nts"`      // default false
}

// Isolation keeps the clocks of a site together when no source can be reached.
type Isolation struct {
	OrphanStratum int      `json:"orphanStratum"` // 1-15, default 10
	Servers       []string `json:"servers"`       // nodes that agree among themselves
}

// Capacity is the load that hosts and proxies are sized for.
type Capacity struct {
	PodsPerNode       int `json:"podsPerNode"`
	ConnectionsPerPod int `json:"connectionsPerPod"` // concurrent, both directions
	ClosesPerSecond   int `json:"closesPerSecond"`   // connections closed per node and second; 0: not given
}
