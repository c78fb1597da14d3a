-- What the kit stores to have something sent: StudyDescription names a peer of the kit's, and
-- ImageComments the instances, parted by spaces. Nothing else is sent. By an AccessionNumber it is
-- a copy of each that is sent: it is kept by "copy"; by "chain" a command of the system sees to it
-- that its file is not empty, the modality that PatientComments names gets it as well, and then it is
-- deleted.
function OnStoredInstance(instance, tags)
   local peer, instances, kind = tags['StudyDescription'], tags['ImageComments'], tags['AccessionNumber']
   if peer and instances and string.find(peer, 'orthanc-jobs-', 1, true) == 1 then
      for source in string.gmatch(instances, '%S+') do
         local each = source
         if kind == 'copy' or kind == 'chain' then
            each = ModifyInstance(each, { ReferringPhysicianName = 'copy' }, {}, false)
         end
         if kind == 'chain' then
            each = CallSystem(each, 'test', { '-s' })
         end
         local sent = SendToPeer(each, peer)
         if kind == 'chain' then
            Delete(SendToModality(sent, tags['PatientComments'], 'KIT-LUA'))
         end
      end
   end
end
