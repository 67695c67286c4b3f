"""The web application firewall in front of the API."""

from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from cdk.constructs.operations import Operations
from cdk.constructs.problems import problem

_COUNTED = {
    "SizeRestrictions_BODY": "it ends at 8 KB; 64 texts of 10,000 characters are a fair request",
    "CrossSiteScripting_BODY": "reviews quote HTML; texts are classified, and never shown as HTML",
}
"""Rules of the common set that count without blocking, and why."""
_TOO_LONG = "^([5-9][0-9]{6}|[0-9]{8,})$"
"""Content-Length of 5 MB and more. Services take 4 MB at most, and Lambda an event of 6 MB."""
_MINUTES = 5
_SECRETS = ("authorization", "x-api-key", "x-amz-security-token")


class Firewall(Construct):
    """A regional web ACL with AWS's rules and two of ours; what it blocks is logged.

    Its own answers have the form of a problem, under the only JSON media type that WAF knows.
    """

    def __init__(self, scope: Construct, construct_id: str, *, operations: Operations) -> None:
        super().__init__(scope, construct_id)
        name = operations.environment.stage_name
        # what one key may ask for, one address may
        per_address = operations.environment.read_rate * _MINUTES * 60
        rules = [
            _too_long(),
            _too_many(per_address),
            _managed("AWSManagedRulesCommonRuleSet", counted=tuple(_COUNTED)),
            _managed("AWSManagedRulesKnownBadInputsRuleSet"),
        ]
        self.acl = waf.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_seen(name),
            custom_response_bodies={
                "too_large": _body(413, "too_large", "The body is larger than 5 MB."),
                "throttled": _body(429, "throttled", "Too many requests from this address."),
            },
            rules=[_at(priority, rule) for priority, rule in enumerate(rules)],
        )
        self._log(operations, name)

    def protect(self, arn: str) -> waf.CfnWebACLAssociation:
        """Put it in front of a stage of an API."""
        return waf.CfnWebACLAssociation(
            self, "Association", resource_arn=arn, web_acl_arn=self.acl.attr_arn
        )

    def _log(self, operations: Operations, name: str) -> None:
        # WAF takes no other beginning
        group = operations.named_log_group(self, "Logs", f"aws-waf-logs-{name}")
        blocked = {"ActionCondition": {"Action": "BLOCK"}}
        waf.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.acl.attr_arn,
            # the group's own ARN ends in ":*", which WAF does not take
            log_destination_configs=[
                Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=group.log_group_name,
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            redacted_fields=[
                waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in _SECRETS
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": [blocked]}
                ],
            },
        )


def _at(priority: int, rule: dict[str, Any]) -> waf.CfnWebACL.RuleProperty:
    return waf.CfnWebACL.RuleProperty(
        priority=priority, visibility_config=_seen(rule["name"]), **rule
    )


def _seen(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )


def _body(status: int, code: str, detail: str) -> waf.CfnWebACL.CustomResponseBodyProperty:
    return waf.CfnWebACL.CustomResponseBodyProperty(
        content=problem(status, code, detail), content_type="APPLICATION_JSON"
    )


def _blocked(status: int, body: str) -> waf.CfnWebACL.RuleActionProperty:
    return waf.CfnWebACL.RuleActionProperty(
        block=waf.CfnWebACL.BlockActionProperty(
            custom_response=waf.CfnWebACL.CustomResponseProperty(
                response_code=status, custom_response_body_key=body
            )
        )
    )


def _too_long() -> dict[str, Any]:
    match = waf.CfnWebACL.RegexMatchStatementProperty(
        field_to_match=waf.CfnWebACL.FieldToMatchProperty(single_header={"Name": "content-length"}),
        regex_string=_TOO_LONG,
        text_transformations=[waf.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
    )
    return {
        "name": "TooLong",
        "statement": waf.CfnWebACL.StatementProperty(regex_match_statement=match),
        "action": _blocked(413, "too_large"),
    }


def _too_many(requests: int) -> dict[str, Any]:
    rate = waf.CfnWebACL.RateBasedStatementProperty(
        aggregate_key_type="IP", limit=requests, evaluation_window_sec=_MINUTES * 60
    )
    return {
        "name": "TooMany",
        "statement": waf.CfnWebACL.StatementProperty(rate_based_statement=rate),
        "action": _blocked(429, "throttled"),
    }


def _managed(name: str, counted: tuple[str, ...] = ()) -> dict[str, Any]:
    count = waf.CfnWebACL.RuleActionProperty(count={})
    group = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=name,
        rule_action_overrides=[
            waf.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count)
            for rule in counted
        ]
        or None,
    )
    return {
        "name": name.removeprefix("AWSManagedRules"),
        "statement": waf.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        "override_action": waf.CfnWebACL.OverrideActionProperty(none={}),
    }
