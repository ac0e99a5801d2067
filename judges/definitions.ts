/** AWS's amazon-states-language-service (npm), which checks definitions in AWS's own toolkit. */

import type { Judge, Verdict } from './judge.ts';
import { resourcesOf } from './moto/resources.ts';
import { judgedTemplates } from './templates-of-all.ts';
import { lacksPackage, toolPackage } from './tools.ts';

const PACKAGE = 'amazon-states-language-service';

interface Service {
  readonly TextDocument: { create(uri: string, language: string, version: number, text: string): object };
  getLanguageService(options: object): {
    parseJSONDocument(document: object): object;
    doValidation(document: object, json: object): Promise<readonly { readonly message: string }[]>;
  };
}

export const definitions: Judge = {
  name: 'definitions',
  missing: () => lacksPackage(PACKAGE),
  judge: () => validated((text) => text),
  // A state that nobody defines.
  control: () => validated((text) => text.replace('"StartAt":"', '"StartAt":"Not ')),
};

async function validated(broken: (text: string) => string): Promise<Verdict> {
  const { TextDocument, getLanguageService } = toolPackage(PACKAGE) as Service;
  const service = getLanguageService({});
  const against: string[] = [];
  let looked = 0;
  for (const [machine, text] of machines()) {
    looked += 1;
    const document = TextDocument.create(`file:///${machine}.asl.json`, 'json', 1, broken(text));
    const found = await service.doValidation(document, service.parseJSONDocument(document));
    against.push(...found.map(({ message }) => `${machine}: ${message}`));
  }
  return { looked: `${looked} definitions`, against };
}

function machines(): [string, string][] {
  return judgedTemplates().flatMap(({ environment: { account, region }, template }) =>
    resourcesOf(template, { account, region })
      .filter(({ type }) => type === 'AWS::StepFunctions::StateMachine')
      .map(({ name, properties }) => [name, String(properties.DefinitionString)] as [string, string]),
  );
}
