package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
)

func (c *command) rulesCommand() *cobra.Command {
	var asJSON, matrix bool
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List every rule",
		Long: `List every rule: its ID, name, severity, the stage that it reads, whether a site may waive it, and what it finds.
"meshgen explain ID" tells the story of one.

With --matrix, list what each mesh can do of what a site may ask for, in Markdown: rule MG7141 goes by it.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case asJSON && matrix:
				return usage("--json is about rules, --matrix about meshes")
			case asJSON:
				return c.rulesJSON()
			case matrix:
				text, err := compiler.CapabilitiesReference()
				if err != nil {
					return failure(err)
				}
				return c.print(string(text))
			}
			return c.rulesTable()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one object a line, with the whole text")
	cmd.Flags().BoolVar(&matrix, "matrix", false, "what each mesh can do, in Markdown")
	return cmd
}

func (c *command) rulesTable() error {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tSEVERITY\tSTAGE\tWAIVER\tFINDS THAT")
	for _, r := range compiler.Catalogue() {
		waiver := "no"
		if r.Waivable {
			waiver = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Name, r.Severity, r.Stage, waiver, r.Title)
	}
	if err := w.Flush(); err != nil {
		return failure(err)
	}
	return nil
}

func (c *command) rulesJSON() error {
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	for _, r := range compiler.Catalogue() {
		err := enc.Encode(struct {
			ID       string `json:"id"`
			Name     string `json:"name"`
			Severity string `json:"severity"`
			Stage    string `json:"stage"`
			Waivable bool   `json:"waivable"`
			Dated    bool   `json:"dated"`
			Title    string `json:"title"`
			Doc      string `json:"doc"`
		}{r.ID, r.Name, r.Severity.String(), r.Stage, r.Waivable, r.Dated, r.Title, r.Doc})
		if err != nil {
			return failure(err)
		}
	}
	return nil
}
