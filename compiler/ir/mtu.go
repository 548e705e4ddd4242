package ir

// Packets is how large a packet may be on each way of the site, in bytes of IP with its header. What a mesh adds is not
// in it: mutual TLS and HBONE are inside of TCP, which fits its segments to the way.
type Packets struct {
	Nodes         int // that every pair of nodes can exchange: the least of all racks and the fabric
	Pods          int // that every pair of pods can exchange: Nodes less Overhead
	Encapsulation string
	Overhead      int // bytes that the encapsulation adds, and the encryption
	Encryption    string
	Encrypted     int // of Overhead, by the encryption
	Outer         Family
	Layers        []PacketLayer // by node class, from the wire upwards
	Paths         []PacketPath  // by the names of the racks
	Settings      []Setting     // of a pod network that somebody else installs
	Further       []FurtherNetwork
	Probe         *PacketProbe // nil where there is nobody to ask
	From          From
}

// PacketProbe is a machine that a packet of the greatest size can be sent to, from a machine as far away as there is.
type PacketProbe struct {
	From, To string // nodes
	Address  string // of To
	Payload  int    // of an echo request as large as Nodes
}

// PacketLayer is an interface of the machines of a class.
type PacketLayer struct {
	Class     string
	Interface string
	What      string // "member of bond0", "node network"
	MTU       int
}

// PacketPath is the way between nodes of two sets of racks with the same packet size each; equal sets: inside of one
// rack, and between any two of them where there are more.
type PacketPath struct {
	Between []string // racks
	And     []string
	Nodes   int
	Pods    int
}

// Setting is a value that somebody else's configuration must have, and what happens without it.
type Setting struct {
	Where     string // Markdown: names of objects and fields
	Values    []string
	Otherwise string
}

// FurtherNetwork is a network of the machines of a class besides the node network.
type FurtherNetwork struct {
	Class     string
	Name      string
	Interface string
	CIDR      string
	MTU       int
	Machines  int
}
