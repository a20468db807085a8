"""What a language model adds to an investigation: a second opinion, after the reasoner and with its evidence.

One flat loop: the model gets the frame, the ranked hypotheses and what the evidence says, may ask the questions that people can ask,
and concludes in a form whose every sentence cites evidence. What its sentences say is checked against that evidence; it may overrule
the reasoner only with evidence that the reasoner did not have. Whatever happens to the model, the reasoner's finding stands.

Does not belong here: wire formats, retries, budgets of money (`llm`), settings (`apps`), and any tool that writes.
"""

from rootward.investigator.opinion.consult import Consultant, Limits

__all__ = ["Consultant", "Limits"]
