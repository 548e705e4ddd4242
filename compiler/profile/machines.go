package profile

// Machines is how HAProxy and keepalived are set up in front of the cluster. Times are in seconds.
type Machines struct {
	StaticMin  int `json:"staticMin"` // node ports that Kubernetes keeps for fixed numbers: see Static
	StaticMax  int `json:"staticMax"`
	StaticPart int `json:"staticPart"`
	BlockPorts int `json:"blockPorts"` // fixed node ports that one virtual address has for its gateway

	IdleSeconds    int    `json:"idleSeconds"`    // without traffic a connection ends
	ConnectSeconds int    `json:"connectSeconds"` // to a node
	CheckSeconds   int    `json:"checkSeconds"`   // between two health checks of a node
	Fall           int    `json:"fall"`           // failed checks that take a node out
	Rise           int    `json:"rise"`           // good ones that bring it back
	DeadSeconds    int    `json:"deadSeconds"`    // without acknowledgement a node's connections end
	StopSeconds    int    `json:"stopSeconds"`    // after a reload the old process ends its connections
	StatsPort      uint16 `json:"statsPort"`      // on the loopback

	FilesPerConnection int `json:"filesPerConnection"`
	FilesBesides       int `json:"filesBesides"` // listeners, health checks, logs
	FilesMax           int `json:"filesMax"`     // that a process may have without a change of fs.nr_open

	Priority      int    `json:"priority"` // VRRP, of the first machine; each further one has 10 less
	RouterID      int    `json:"routerID"` // VRRP
	AdvertSeconds int    `json:"advertSeconds"`
	LocalPorts    string `json:"localPorts"` // source ports towards the nodes, "first last"
}

// Static returns how many node ports at the beginning of a range of a size Kubernetes keeps for fixed numbers; a range
// that is too short for that is dealt out whole, and all of it is taken.
func (m *Machines) Static(size int) int {
	n := min(max(m.StaticMin, size/m.StaticPart), m.StaticMax)
	if size <= n {
		return size
	}
	return n
}
