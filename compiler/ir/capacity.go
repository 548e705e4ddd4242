package ir

// Capacity is what the declared load takes of the machines and pools.
type Capacity struct {
	Shared bool // a node has one proxy, and its pods none
	Proxy  ProxySize
	Nodes  []NodeLoad // by host group, in the order of the groups
	Pools  []PoolUse  // by name
	Ports  []PortUse  // pods in general, then each gateway
}

// ProxySize is what one proxy of the mesh has, and what its project measured of one: MeasuredMB at Requests a second with
// Services in view; 0 where nothing was published. Memory is that of the site, or of the chart; 0 where neither sets one.
type ProxySize struct {
	RequestMiB, LimitMiB           int
	MeasuredMB, Requests, Services int
	WaypointMB                     int // the same of a waypoint; 0: nothing was published
	Envoy                          bool
}

// NodeLoad is what the proxies on one node of a host group take, all pods meshed: pods x the proxy's request, and pods x
// its limit.
type NodeLoad struct {
	Group          string
	Nodes          int // machines in the group
	Pods           int // on one machine
	Proxies        int // on one machine
	RequestMiB     int // of all proxies on one machine
	LimitMiB       int
	MemoryMiB      int        // of the machine, without huge pages
	HugePages      *HugePages // nil: none
	LimitPercent   int        // of the machine's memory
	RequestMilli   int        // CPU of all proxies on one machine, in thousandths of a core
	Cores          int        // of the machine
	RequestPercent int        // RequestMilli of the machine's cores
}

// HugePages is memory of a machine that only pods get that ask for it by size.
type HugePages struct {
	Size  string // "2Mi" or "1Gi"
	Count int
	MiB   int
	Args  string // of the kernel, that set them aside; "" where a setting does
	From  From
}

// PoolUse is how many addresses of a pool are declared to a gateway.
type PoolUse struct {
	Pool  string
	Total int // -1: more than 2^24
	Used  int
	Free  int // -1: as Total
}

// PortUse is how many connections one network namespace may have towards one address and port at a time, and how many
// it may open a second: ports / 60 s of TIME_WAIT.
type PortUse struct {
	Who   string // "a pod", "a pod of gateway public"
	Range string // as net.ipv4.ip_local_port_range has it
	Ports int
	Rate  int // connections a second
}
