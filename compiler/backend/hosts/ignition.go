package hosts

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

const (
	// ignitionVersion is a version of the specification that Flatcar and Fedora CoreOS both read.
	ignitionVersion = "3.3.0"
	// ignitionMode is 0644: JSON has no octal numbers.
	ignitionMode = 0o644
)

// ignition writes a configuration for the first boot of a group's machines. Ignition writes files before the system
// starts, so that modules and settings are applied by the first boot already. JSON has no comments; each file has its own.
func ignition(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup, carried []*artifact.File) {
	f := t.File(dir(p)+"/"+g.Name+"/ignition.json", g.From...)
	f.Line("{")
	f.Linef(`  "ignition": {"version": %s},`, quoted(ignitionVersion))
	f.Line(`  "storage": {`)
	f.Line(`    "files": [`)
	for i, c := range carried {
		f.From("", append(c.Origins(), "nodeClasses")...) // a line is a whole file, also what it leaves out
		comma := ","
		if i == len(carried)-1 {
			comma = ""
		}
		source := "data:;base64," + base64.StdEncoding.EncodeToString(c.Bytes())
		f.Line("      {")
		f.Linef(`        "path": %s,`, quoted(onHost(p, g, c)))
		f.Linef(`        "mode": %d,`, ignitionMode)
		f.Line(`        "overwrite": true,`)
		f.Linef(`        "contents": {"source": %s}`, quoted(source))
		f.Line("      }" + comma)
	}
	f.From("", packagesFrom(g)...)
	var units []string
	if g.TimeUnit != "" {
		units = append(units, fmt.Sprintf(`{"name": %s, "enabled": true}`, quoted(g.TimeUnit)))
	}
	for _, u := range ownUnits(g) {
		units = append(units, fmt.Sprintf(`{"name": %s, "enabled": true}`, quoted(u.name)))
	}
	if len(units) == 0 {
		f.Line("    ]\n  }\n}")
		return
	}
	f.Line("    ]\n  },")
	f.Linef(`  "systemd": {"units": [%s]}`, strings.Join(units, ", "))
	f.Line("}")
}

// quoted returns a JSON string.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // a string always has a form
		panic(fmt.Sprint("hosts: ", err))
	}
	return string(b)
}
