"""`@project` names the project and the branch that a run belongs to."""

from metaflow import FlowSpec, current, project, step


@project(name="conformance_project")
class ProjectFlow(FlowSpec):
    @step
    def start(self):
        self.facts = {
            "project": current.project_name,
            "branch": current.branch_name,
            "flow": current.project_flow_name,
            "production": current.is_production,
            "user_branch": current.is_user_branch,
        }
        self.next(self.end)

    @step
    def end(self):
        self.again = current.project_name


if __name__ == "__main__":
    ProjectFlow()
