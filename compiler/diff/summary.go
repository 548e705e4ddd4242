package diff

import (
	"encoding/json"
	"slices"
	"strings"
)

// expected is what the summary reads of checks/<site>.json, which says for every site what is there once its tree is in
// force.
type expected struct {
	VIPs     []map[string]any `json:"vips"`
	Switches []struct {
		Name     string `json:"name"`
		Rack     string `json:"rack"`
		ASN      uint32 `json:"asn"`
		Sessions []struct {
			Peer      string   `json:"peer"`
			Address   string   `json:"address"`
			Interface string   `json:"interface"`
			Local     string   `json:"local"`
			ASN       uint32   `json:"asn"`
			Families  []string `json:"families"`
			BFD       bool     `json:"bfd"`
		} `json:"sessions"`
	} `json:"switches"`
	Hosts []struct {
		Name  string   `json:"name"`
		Rack  string   `json:"rack"`
		Nodes []string `json:"nodes"`
	} `json:"hosts"`
}

func expectedOf(s *Site) expected {
	var e expected
	for _, f := range s.Files {
		if f.Path == "checks/"+s.Name+".json" {
			_ = json.Unmarshal(f.Data, &e) // a tree without it counts less
		}
	}
	return e
}

// inventory is what a site has, each thing with a text that differs where the thing does.
type inventory struct {
	racks, hosts, sessions, vips map[string]string
	switches                     map[string]string   // their racks
	groups                       map[string][]string // machines of a group of files
	rackOf                       map[string]string   // by machine and switch
}

func inventoryOf(s *Site) inventory {
	e := expectedOf(s)
	i := inventory{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string][]string{}, map[string]string{}}
	for _, v := range e.VIPs {
		address, _ := v["address"].(string)
		text, _ := json.Marshal(v)
		i.vips[address] = string(text)
	}
	asn := map[string]uint32{}
	for _, sw := range e.Switches {
		asn[sw.Name] = sw.ASN
		i.switches[sw.Name] = sw.Rack
		if sw.Rack != "" {
			i.racks[sw.Rack], i.rackOf[sw.Name] = "", sw.Rack
		}
	}
	for _, sw := range e.Switches {
		for _, x := range sw.Sessions {
			ends := []string{sw.Name, x.Peer}
			if _, both := asn[x.Peer]; both { // the other switch tells of it too
				slices.Sort(ends)
			}
			family := ""
			if len(x.Families) > 0 && x.Families[0] == "ipv6" {
				family = " (IPv6)"
			}
			key := ends[0] + " – " + ends[1] + family
			text, _ := json.Marshal([]any{x, sw.ASN})
			i.sessions[key] += string(text)
		}
	}
	for _, g := range e.Hosts {
		i.racks[g.Rack] = ""
		i.groups[g.Name] = g.Nodes
		for _, n := range g.Nodes {
			i.hosts[n], i.rackOf[n] = g.Rack, g.Rack
		}
	}
	return i
}

// summary adds up what sites tell.
type summary struct {
	Summary
	several bool // names stand behind that of their site
}

// site takes what differs in a site that both sides have.
func (s *summary) site(a, b *Site, changes []Change, files []filePair) {
	if len(changes) == 0 {
		return
	}
	s.Sites.Changed = append(s.Sites.Changed, b.Name)
	prefix := ""
	if s.several {
		prefix = b.Name + "/"
	}
	was, is := inventoryOf(a), inventoryOf(b)
	hosts, racks := map[string]bool{}, map[string]bool{} // that differ besides
	switches := map[string]bool{}
	for _, c := range changes {
		for _, p := range c.Places {
			switch {
			case c.Status == Cosmetic:
				s.Cosmetic++
				continue
			case c.Component == Kubernetes && c.Kind != "Kustomization":
				put(&s.Objects, c.Status, prefix+c.Kind+" "+p.Name)
			case c.Kind == "chart values":
				put(&s.Releases, c.Status, prefix+strings.TrimSuffix(p.Name, "/values.yaml"))
			case c.Component == Hosts:
				group, _, _ := strings.Cut(p.Name, "/")
				for _, n := range append(slices.Clone(was.groups[group]), is.groups[group]...) {
					hosts[n] = true
				}
			case c.Kind == "switch":
				name := base(p.File)
				for sw := range is.switches {
					if strings.HasPrefix(name, sw+".") {
						switches[sw] = true
					}
				}
			}
		}
	}
	for _, f := range files {
		switch {
		case f.old == nil:
			s.Files.Added = append(s.Files.Added, f.new.Path)
		case f.new == nil:
			s.Files.Removed = append(s.Files.Removed, f.old.Path)
		default:
			s.Files.Changed = append(s.Files.Changed, f.new.Path)
		}
	}
	for n := range switches {
		racks[is.switches[n]] = true
	}
	for n := range hosts {
		racks[is.rackOf[n]] = true
	}
	merge(&s.Hosts, prefix, was.hosts, is.hosts, hosts)
	merge(&s.Switches, prefix, was.switches, is.switches, switches)
	merge(&s.Racks, prefix, was.racks, is.racks, racks)
	merge(&s.Sessions, prefix, was.sessions, is.sessions, nil)
	merge(&s.VIPs, prefix, was.vips, is.vips, nil)
}

func put(t *Tally, status Status, name string) {
	switch status {
	case Added:
		t.Added = append(t.Added, name)
	case Removed:
		t.Removed = append(t.Removed, name)
	default:
		t.Changed = append(t.Changed, name)
	}
}

// merge counts what one side has alone, and what differs in its text or is among touched.
func merge(t *Tally, prefix string, was, is map[string]string, touched map[string]bool) {
	for k, v := range is {
		if o, ok := was[k]; !ok {
			t.Added = append(t.Added, prefix+k)
		} else if o != v || touched[k] {
			t.Changed = append(t.Changed, prefix+k)
		}
	}
	for k := range was {
		if _, ok := is[k]; !ok {
			t.Removed = append(t.Removed, prefix+k)
		}
	}
}

// done sorts what was counted.
func (s *summary) done() Summary {
	for _, row := range s.rows() {
		for _, l := range []*[]string{&row.tally.Added, &row.tally.Removed, &row.tally.Changed} {
			slices.Sort(*l)
			if *l = slices.Compact(*l); *l == nil {
				*l = []string{}
			}
		}
	}
	return s.Summary
}

// row is a line of the summary.
type row struct {
	name  string
	tally *Tally
}

func (s *Summary) rows() []row {
	return []row{
		{"sites", &s.Sites}, {"racks", &s.Racks}, {"hosts", &s.Hosts}, {"switches", &s.Switches}, {"BGP sessions", &s.Sessions},
		{"VIPs", &s.VIPs}, {"objects", &s.Objects}, {"chart values", &s.Releases}, {"files", &s.Files},
	}
}
