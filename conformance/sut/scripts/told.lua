-- Notes each job that has ended as a peer of the server, whose name says how and which.
function OnJobSuccess(id)
   RestApiPut('/peers/orthanc-jobs-success-' .. id, '["http://localhost/"]')
end

function OnJobFailure(id)
   RestApiPut('/peers/orthanc-jobs-failure-' .. id, '["http://localhost/"]')
end
